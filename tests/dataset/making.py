"""Small videos, and what was read of them, made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from nitropilot.dataset.extracting.one import Ways
from nitropilot.dataset.pad import BUTTONS, PadStates
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.reading.reading import Reading
from nitropilot.dataset.templates.template import ALL_OUTPUTS, Element, Kind, Template
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.dataset.extracting.one import Located, Searched
    from nitropilot.dataset.video.frames import Video

WIDTH, HEIGHT = 96, 64
POSE = Pose(0.5, 8.0, 20.0)
BODY = np.full((40, 60, 4), 255, np.uint8)
TEMPLATE = Template("box", 60, 40, (Element(Kind.PICTURE, "body", 0, 0, (BODY,)),), "xbox")
"""Its canvas is 30 x 20 pixels of a video."""


@dataclass(frozen=True)
class Seen:
    """A controller, found."""

    first: int
    last: int
    template: Template = TEMPLATE
    pose: Pose = POSE
    score: float = 0.9


@dataclass(frozen=True)
class Looked:
    """What a search came to."""

    found: Sequence[Seen]
    best_score: float = 0.1
    xfeat: str = "unavailable"


def played(count: int, seed: int = 0) -> PadStates:
    """Someone plays: a stick that wanders, and presses of a quarter of a second and more."""
    rng = np.random.default_rng(seed)
    buttons = np.zeros((count, len(BUTTONS)), bool)
    for name in ("south", "west"):
        held = np.repeat(rng.random(count // 8 + 1) < 0.3, 8)[:count]
        buttons[:, BUTTONS.index(name)] = held
    at = np.arange(count)[:, None] / 30
    sticks = 0.7 * np.sin(at * [0.9, 1.3, 0.7, 1.1] + rng.random(4) * 6)
    return PadStates(buttons, sticks.astype(np.float32), np.zeros((count, 2), np.float32))


def reading(
    states: PadStates,
    times: NDArray[np.float64],
    first: int = 0,
    *,
    sure: float = 0.99,
    outputs: frozenset[str] = ALL_OUTPUTS,
) -> Reading:
    """A reading of frames from ``first`` on, all of one confidence."""
    count = len(states)
    return Reading(
        np.arange(first, first + count), times[first : first + count], states,
        np.full((count, len(PUBLISHED_BUTTONS)), sure, np.float32),
        np.full((count, 2), sure, np.float32), np.ones(count, np.float32), 0.8, POSE, outputs,
    )  # fmt: skip


def ways(
    states: Callable[[Video], PadStates],
    found: Callable[[Video], Sequence[Seen]] = lambda video: [Seen(0, len(video.times))],
) -> Ways:
    """Ways that decode every frame and then know the answer."""

    def locate(video: Video) -> Searched:
        return Looked(found(video))

    def read(video: Video, located: Located) -> Reading:
        whole = states(video)
        passed = [
            frame.number
            for frame in video.frames(first=located.first)
            if frame.number < located.last
        ]
        count = passed[-1] + 1 - located.first
        return reading(whole.part(located.first, located.first + count), video.times, located.first)

    return Ways(locate, read)


def noise(count: int, seed: int = 0) -> Iterable[NDArray[np.uint8]]:
    """Pictures that move: a pattern of blocks that wanders."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    whole = np.kron(blocks, np.ones((8, 8, 1), np.uint8))
    for number in range(count):
        yield np.roll(whole, (number // 2, number), (0, 1))


def write_video(
    path: Path,
    pictures: Iterable[NDArray[np.uint8]],
    rate: int = 30,
    times: Sequence[float] | None = None,
    crf: int = 20,
) -> Path:
    """Encode pictures; ``times`` in seconds for a video whose frames come as they like."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate))
        stream.options = {"crf": str(crf), "preset": "ultrafast", "g": "60"}
        stream.thread_count = 1
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        unit = Fraction(1, 1000 if times else rate)
        stream.codec_context.time_base = unit
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = round(times[number] * 1000) if times else number
            frame.time_base = unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
