"""``parse``: a controller of a look that nobody knows, read off a video frame by frame.

Each frame is shown to a network together with the one before it and with the median of many; what
it says of single frames becomes states that last, and sticks are measured by what they did over the
whole video.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch

from nitropilot.dataset.errors import BadVideo
from nitropilot.dataset.pad import BUTTONS, SIDES, PadStates
from nitropilot.dataset.parsing.answer import near, positions
from nitropilot.dataset.parsing.rest import normalised
from nitropilot.dataset.parsing.view import View, lasting, share
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.reading.decoding import RELEASED, TEMPER, bridged, posterior
from nitropilot.dataset.reading.reading import Reading
from nitropilot.dataset.styles.sample import ELEMENTS
from nitropilot.dataset.video.sampling import sample
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from nitropilot.dataset.parsing.answer import Answer
    from nitropilot.dataset.parsing.shape import Shape
    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.video.frames import Frame, Video

    Floats = NDArray[np.float32]
    Pictures = list[NDArray[np.uint8]]

BATCH = 32
"""Frames that are read at once."""
STILL = 31
"""Frames whose median is what the controller looks like when nothing is pressed."""
EVIDENCE = 0.5
"""Neighbouring frames err together: what each says counts half."""
FEWEST_EDGES = 0.05
"""With less in common with the reference, frames usually tell nothing about whether it is there."""
PULL = 1.0
"""How far a trigger that is pressed is pulled: what is learned is whether."""


class Eye(Protocol):
    """Says what is pressed: ``network.Parser``."""

    @property
    def shape(self) -> Shape:
        """Of what it looks at."""

    def say(self, pictures: Tensor, reference: Tensor) -> Answer:
        """As ``network.Parser.say``."""


class Region(Protocol):
    """A controller that was found: ``detecting.detect.Region``."""

    @property
    def box(self) -> Box:
        """Where, in pixels of the video."""

    @property
    def first(self) -> int:
        """First frame in which it is there."""

    @property
    def last(self) -> int:
        """The first one after them."""


class _Said(NamedTuple):
    """What was said of some frames that follow on each other.

    Attributes:
        numbers: Which frames.
        times: When they are shown.
        answer: What is pressed.
        share: How much of what stays each has.
    """

    numbers: list[int]
    times: list[float]
    answer: Answer
    share: list[float]


def parse(video: Video, region: Region, eye: Eye) -> Reading:
    """Read a controller in the frames in which it was found, as far as they can be decoded.

    ``Reading.pose`` takes a canvas of the box's size to the box, and ``Reading.opacity`` is 1: how
    much shows through is not measured.

    Args:
        video: Which.
        region: Where a controller is.
        eye: The network.

    Raises:
        BadVideo: None of these frames can be decoded, or the box lies outside of them.
    """
    size = (eye.shape.height, eye.shape.width)
    view = View.of(region.box, (video.width, video.height), video.colours, size)
    if min(view.part.width, view.part.height) < 2:
        raise BadVideo(f"{video.path}: nothing of {tuple(region.box)} is in the picture")
    still = [view.picture(frame)
             for frame in sample(video, STILL, region.first, region.last, view.part)
             if view.fits(frame)]  # fmt: skip
    if not still:
        raise BadVideo(f"{video.path} cannot be decoded from frame {region.first} on")
    reference = np.sort(np.stack(still), axis=0)[len(still) // 2]
    said = list(_said(video, region, view, reference, eye))
    return _decided(said, region, video.rate)


def _said(
    video: Video, region: Region, view: View, reference: NDArray[np.uint8], eye: Eye
) -> Iterator[_Said]:
    """What the network says, batch by batch."""
    stays, whole = lasting(reference), torch.from_numpy(reference)
    before: NDArray[np.uint8] | None = None
    for frames in _batches(_fitting(video, region, view)):
        pictures = [view.picture(frame) for frame in frames]
        earlier = [pictures[0] if before is None else before, *pictures[:-1]]
        before = pictures[-1]
        pairs = torch.from_numpy(np.stack([earlier, pictures], axis=1))
        answer = eye.say(pairs, whole.expand(len(frames), -1, -1, -1))
        yield _Said(
            [frame.number for frame in frames], [frame.time for frame in frames], answer,
            [share(picture, stays) for picture in pictures],
        )  # fmt: skip


def _fitting(video: Video, region: Region, view: View) -> Iterator[Frame]:
    for frame in video.frames(view.part, region.first):
        if frame.number >= region.last:
            return
        if view.fits(frame):
            yield frame


def _batches(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    while batch := list(islice(frames, BATCH)):
        yield batch


def _decided(said: Sequence[_Said], region: Region, rate: float) -> Reading:
    """What was pressed, seen all frames."""
    numbers = np.array([number for each in said for number in each.numbers], np.int64)
    times = np.array([time for each in said for time in each.times], np.float64)
    buttons, grids, offsets, shown = (
        torch.cat([getattr(each.answer, name) for each in said])
        for name in ("buttons", "grids", "offsets", "shown")
    )
    here = presence(np.array([one for each in said for one in each.share], np.float32))
    outputs = _outputs(shown.numpy()[here >= 0.5] if (here >= 0.5).any() else shown.numpy())
    sure = pressed(buttons.numpy(), rate)
    sure[:, [name not in outputs for name in PUBLISHED_BUTTONS]] = 0
    at = positions(grids, offsets)
    close = near(grids, at).numpy().astype(np.float32)
    sticks = np.zeros((len(numbers), 4), np.float32)
    for side, name in enumerate(SIDES):
        if f"j_{name}" in outputs:
            moved = bridged(at[:, side].numpy(), close[:, side], times)
            sticks[:, 2 * side : 2 * side + 2] = normalised(moved)
    by_name = dict(zip(PUBLISHED_BUTTONS, (sure > 0.5).T, strict=True))
    triggers = np.stack([by_name[f"{side}_trigger"] * PULL for side in SIDES], axis=1)
    states = PadStates(
        np.stack([by_name[name] for name in BUTTONS], axis=1), sticks, triggers.astype(np.float32)
    )
    pose = Pose(1.0, region.box.left, region.box.top)
    confidence = np.maximum(sure, 1 - sure)
    return Reading(numbers, times, states, confidence, close, here, 1.0, pose, outputs)


def pressed(logits: Floats, rate: float) -> Floats:
    """How probable it is that buttons are down, seen all frames.

    Args:
        logits: ``T x N``, of single frames.
        rate: Frames a second.
    """
    # ``posterior`` is made for pixels' likelihoods: what it does to these is undone before.
    down = TEMPER * (EVIDENCE * logits + RELEASED)
    pairs = [np.stack([np.zeros_like(each), each], axis=1) for each in down.T]
    return np.stack([each[:, 1] for each in posterior(pairs, rate)], axis=1)


def presence(shares: Floats) -> Floats:
    """``T``, 0 to 1: how well each frame agrees that a controller is there.

    Args:
        shares: ``T``: how much of what stays each frame has.
    """
    usual = float(np.median(shares)) if len(shares) else 0.0
    if usual < FEWEST_EDGES:
        return np.ones_like(shares)
    return np.asarray(np.clip(shares / usual, 0, 1), np.float32)


def _outputs(shown: Floats) -> frozenset[str]:
    """What a controller has, by what was said of it in many frames."""
    has = shown.mean(axis=0) > 0
    names = {f"{side}_stick": f"j_{side}" for side in SIDES}
    return frozenset(
        names.get(name, name) for name, there in zip(ELEMENTS, has, strict=True) if there
    )
