"""What a parser reads on the skins that come along, none of which it was shown.

Short clips are made of each, with made-up play over a moving game and through H.264, and are read
as a user's videos are; only the box is the true one.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.locating.neutral import neutral
from nitropilot.dataset.pad import NEUTRAL, SIDES
from nitropilot.dataset.parsing.parse import parse
from nitropilot.dataset.pose import Box, Pose
from nitropilot.dataset.synth.clips import write_clip
from nitropilot.dataset.synth.scenes import KINDS, scene
from nitropilot.dataset.synth.states import states
from nitropilot.dataset.teaching.scores import mean_f1, of_axes, of_buttons
from nitropilot.dataset.video.frames import open_video
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nitropilot.dataset.pad import PadStates
    from nitropilot.dataset.parsing.parse import Eye
    from nitropilot.dataset.templates.template import Template
    from nitropilot.dataset.video.frames import Video

    Looks = Callable[[Video], "Spot | None"]

WIDTH, HEIGHT, RATE = 640, 360, 30
WIDE = (130, 230)
"""Pixels of width that the controller has."""
CRF = (23, 29)
CLEAR = 0.3
"""Share of a skin's canvas that is covered, from which on it is called opaque."""


class Spot(NamedTuple):
    """Where a controller is: see ``parse.Region``."""

    box: Box
    first: int
    last: int


class SkinScore(NamedTuple):
    """Of one skin.

    Attributes:
        skin: Its name.
        opaque: Whether it covers what is behind it.
        accuracy: Share of buttons and frames that are right.
        f1: Mean of the buttons' F1.
        r2: Mean of the axes' R2.
        always_off: Accuracy of a reader that says nothing is pressed; its F1 is 0.
        always_centre: R2 of one that says sticks rest.
    """

    skin: str
    opaque: bool
    accuracy: float
    f1: float
    r2: float
    always_off: float
    always_centre: float


def on_skins(
    eye: Eye,
    templates: Iterable[Template],
    seconds: float,
    *,
    seed: int = 0,
    looks: Looks | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[SkinScore]:
    """Read a clip of each skin.

    Args:
        eye: The parser.
        templates: The skins.
        seconds: Of a clip.
        seed: Decides what is played, where, and over what.
        looks: Says where the controller is; None: the truth is told.
        tell: Is told which skin is read.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for template in templates:
            if tell:
                tell(template.name)
            path = Path(folder) / "clip.mp4"
            truth, spot = skin_clip(template, seed, path, seconds)
            video = open_video(path)
            seen = looks(video) if looks else spot
            read = parse(video, seen, eye).states if seen else None
            found.append(_scored(template, read, truth))
    return found


def skin_clip(template: Template, seed: int, path: Path, seconds: float) -> tuple[PadStates, Spot]:
    """A clip of a skin, with what is pressed in it and where it is."""
    rng = np.random.default_rng((seed, *template.name.encode()))
    truth = states(rng, seconds, RATE)
    wide = float(rng.uniform(*WIDE))
    scale = wide / template.width
    room = WIDTH - wide, max(HEIGHT - scale * template.height, 0)
    pose = Pose(scale, float(rng.uniform(0, room[0])), float(rng.uniform(0, room[1])))
    kind = sorted(KINDS)[int(rng.integers(len(KINDS)))]
    pictures = scene(kind, rng, WIDTH, HEIGHT, len(truth))
    write_clip(path, template, pose, truth, pictures, RATE, crf=int(rng.integers(*CRF)))
    box = neutral(template, pose.scale).place(pose)
    return truth, Spot(box, 0, len(truth))


def summary(scores: Iterable[SkinScore]) -> dict[str, Any]:
    """Means over opaque skins and over the others, and each skin, for a file."""
    listed = list(scores)
    found: dict[str, Any] = {"each": [each._asdict() for each in listed]}
    for name, opaque in (("opaque", True), ("outline, translucent", False)):
        some = np.array([each[2:] for each in listed if each.opaque is opaque], np.float64)
        if len(some):
            names = SkinScore._fields[2:]
            means = np.nanmean(some, axis=0).round(4).tolist()
            found[name] = {"skins": len(some), **dict(zip(names, means, strict=True))}
    return found


def _scored(template: Template, read: PadStates | None, truth: PadStates) -> SkinScore:
    shown = np.array([name in template.outputs for name in PUBLISHED_BUTTONS])
    axes = np.repeat([f"j_{side}" in template.outputs for side in SIDES], 2)
    true = truth.published()
    said = read.published() if read is not None else np.zeros_like(true)
    sticks = read.sticks if read is not None else np.zeros_like(truth.sticks)
    true = true[: len(said)]
    every = np.broadcast_to(shown, true.shape)
    moved = np.broadcast_to(axes, truth.sticks[: len(sticks)].shape)
    at = truth.sticks[: len(sticks)]
    alpha = Painter(template).paint(NEUTRAL)[..., 3]
    return SkinScore(
        template.name, float((alpha > 0.8).mean()) > CLEAR,
        float((said == true)[every].mean()), mean_f1(of_buttons(said, true, every)),
        of_axes(sticks, at, moved), float((~true)[every].mean()),
        of_axes(np.zeros_like(at), at, moved),
    )  # fmt: skip
