"""A video is read by an eye that knows the truth: at the right frames, the right way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import torch

from nitropilot.dataset.errors import BadVideo
from nitropilot.dataset.pad import BUTTONS, PadStates
from nitropilot.dataset.parsing.answer import CELL, CELLS, Answer, cells_of, middles
from nitropilot.dataset.parsing.parse import parse, presence, pressed
from nitropilot.dataset.parsing.shape import Shape
from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.sample import ELEMENTS, placing
from nitropilot.dataset.synth.clips import Coding, write_frames
from nitropilot.dataset.video.frames import open_video
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.dataset.reading.reading import Reading
    from nitropilot.dataset.video.frames import Video

FRAMES, FIRST, LAST = 90, 10, 80
GONE = range(50, 58)
BITS, SIDE = 7, 8
BOX = Box(12, 20, 12 + BITS * SIDE, 20 + 40)
PICTURE = (72, 96)
HIDDEN = ("guide", "right_stick")


class Found(NamedTuple):
    """Where it is said to be."""

    box: Box = BOX
    first: int = FIRST
    last: int = LAST


def played() -> PadStates:
    """Presses of some frames; a left stick that rests off the middle and goes two thirds of its
    way, more to the right than to the left and more up than down."""
    rng = np.random.default_rng(2)
    buttons = np.zeros((FRAMES, len(BUTTONS)), bool)
    for index, name in enumerate(BUTTONS):
        for at in rng.integers(0, FRAMES, 3).tolist() if name not in HIDDEN else ():
            buttons[at : at + 5 + index % 3, index] = True
    sticks = np.zeros((FRAMES, 4), np.float32)
    at = np.arange(FRAMES)
    sticks[:, 0] = np.where(at % 30 < 15, 0, np.where(at % 60 < 30, 1.0, -0.5))
    sticks[:, 1] = np.where(at % 20 < 12, 0, -0.8)
    return PadStates(buttons, sticks, np.zeros((FRAMES, 2), np.float32))


REST, WAY = np.array([0.08, -0.06], np.float32), 0.66


def pictures() -> list[NDArray[np.uint8]]:
    """A moving game; in the box a frame around the frame's number in bits, but while it is gone."""
    rng = np.random.default_rng(1)
    noise = rng.integers(40, 90, (PICTURE[0], PICTURE[1] + FRAMES), np.uint8)
    found = []
    for number in range(FRAMES):
        picture = np.repeat(noise[:, number : number + PICTURE[1], None], 3, axis=2)
        if number not in GONE:
            picture[BOX.top : BOX.bottom, BOX.left : BOX.right] = 230
            picture[BOX.top + 3 : BOX.top + 20, BOX.left + 3 : BOX.right - 3] = 20
        for bit in range(BITS):
            left, lit = BOX.left + bit * SIDE, (number >> bit) & 1
            picture[BOX.top + 24 : BOX.bottom - 4, left : left + SIDE] = 230 if lit else 20
        found.append(picture)
    return found


class Oracle:
    """Reads a frame's number out of what it is shown, and says what was pressed then."""

    shape = Shape()

    def __init__(self, truth: PadStates, box: Box = BOX) -> None:
        self.truth, self.box = truth, box
        self.seen: list[tuple[int, int]] = []
        self.references: list[torch.Tensor] = []

    def _numbers(self, pictures: torch.Tensor) -> list[int]:
        matrix = placing(self.box, (self.shape.height, self.shape.width))
        numbers = torch.zeros(len(pictures), dtype=torch.long)
        for bit in range(BITS):
            x, y, _ = matrix @ [BOX.left + (bit + 0.5) * SIDE, BOX.top + 30, 1]
            lit = (
                pictures[:, int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2]
                .float()
                .mean((1, 2, 3))
            )
            numbers += (lit > 125).long() << bit
        return numbers.tolist()

    def say(self, pictures: torch.Tensor, reference: torch.Tensor) -> Answer:
        before, now = self._numbers(pictures[:, 0]), self._numbers(pictures[:, 1])
        self.seen += zip(before, now, strict=True)
        self.references.append(reference[0])
        at = np.array(now)
        down = torch.from_numpy(self.truth.published()[at])
        sticks = np.zeros((len(at), 2, 2), np.float32)
        sticks[:, 0] = REST + WAY * self.truth.sticks[at, :2]
        cell, _ = cells_of(torch.from_numpy(sticks))
        grids = 20.0 * torch.nn.functional.one_hot(cell, CELLS**2).unflatten(-1, (CELLS, CELLS))
        line = middles()
        x, y = torch.from_numpy(sticks)[..., None].unbind(2)
        offsets = torch.stack([
            ((x - line) / CELL)[..., None, :].expand(-1, -1, CELLS, -1),
            ((y - line) / CELL)[..., :, None].expand(-1, -1, -1, CELLS),
        ], 2)  # fmt: skip
        shown = torch.tensor([-3.0 if name in HIDDEN else 3.0 for name in ELEMENTS])
        nothing = torch.zeros(len(at), 1)
        return Answer(torch.where(down, 12.0, -12.0), grids, offsets, shown.expand(len(at), -1),
                      nothing, nothing)  # fmt: skip


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Video:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_frames(path, pictures(), np.arange(FRAMES) / 30, Coding(crf=18))
    return open_video(path)


@pytest.fixture(scope="module")
def read(video: Video) -> tuple[Reading, Oracle]:
    oracle = Oracle(played())
    return parse(video, Found(), oracle), oracle


def test_every_frame_is_shown_once_after_the_one_before(read: tuple[Reading, Oracle]) -> None:
    """Pairs that follow on each other across batches; the reference has what does not change."""
    reading, oracle = read
    assert reading.numbers.tolist() == list(range(FIRST, LAST))
    assert reading.times == pytest.approx(np.arange(FIRST, LAST) / 30)
    pairs = [(max(number - 1, FIRST), number) for number in range(FIRST, LAST)]
    assert oracle.seen == pairs
    assert all(torch.equal(each, oracle.references[0]) for each in oracle.references)
    assert oracle.references[0].shape == (96, 128, 3)


def test_buttons_are_those_of_their_frames(read: tuple[Reading, Oracle]) -> None:
    """A frame late or early is worse by far; what is not shown is never pressed, and sure."""
    reading, oracle = read
    truth = oracle.truth.part(FIRST, LAST).buttons.copy()
    truth[:, BUTTONS.index("guide")] = False
    assert (reading.states.buttons != truth).sum() == 0
    assert (np.roll(reading.states.buttons, 1, axis=0) != truth).mean() > 0.03
    assert reading.outputs == {
        *(name for name in ELEMENTS if "stick" not in name and name != "guide"), "j_left",
    }  # fmt: skip
    assert reading.confidence.shape == (LAST - FIRST, 17)
    assert reading.confidence.min() > 0.5
    assert np.median(reading.confidence) > 0.99
    assert (reading.confidence[:, PUBLISHED_BUTTONS.index("guide")] == 1).all()
    assert reading.stick_confidence.shape == (LAST - FIRST, 2)
    assert reading.pose.box(BOX.width, BOX.height) == BOX


def test_a_stick_is_at_0_at_rest_and_at_1_at_its_end(read: tuple[Reading, Oracle]) -> None:
    """Right is right and up is up, though it rests off the middle and never leaves two thirds."""
    reading, oracle = read
    truth = oracle.truth.sticks[FIRST:LAST]
    np.testing.assert_allclose(reading.states.sticks[:, :2], truth[:, :2], atol=0.03)
    assert (reading.states.sticks[:, 2:] == 0).all()


def test_a_controller_that_is_gone_is_said_to_be(read: tuple[Reading, Oracle]) -> None:
    """Frame by frame."""
    reading, _ = read
    gone = np.isin(reading.numbers, GONE)
    assert (reading.shown[gone] < 0.5).all()
    assert (reading.shown[~gone] > 0.6).all()


def test_a_box_at_the_edge_and_one_outside(video: Video) -> None:
    """The first is read, as far as it is in the picture; the other is said."""
    box = Box(-20, -9, BOX.right, BOX.bottom)
    oracle = Oracle(played(), box)
    parse(video, Found(box, 0, 5), oracle)
    assert [now for _, now in oracle.seen] == [0, 1, 2, 3, 4]
    with pytest.raises(BadVideo, match="is in the picture"):
        parse(video, Found(Box(200, 200, 260, 240)), oracle)
    with pytest.raises(BadVideo, match="cannot be decoded from frame"):
        parse(video, Found(first=FRAMES, last=FRAMES + 9), oracle)


def test_single_frames_that_disagree_are_smoothed_and_short_taps_are_kept() -> None:
    """One unsure frame in a hold is a hold; two sure frames in a pause are a tap."""
    logits = np.full((60, 2), -5.0, np.float32)
    logits[20:40, 0] = 5.0
    logits[30, 0] = -0.5
    logits[50:52, 1] = 9.0
    down = pressed(logits, 30) > 0.5
    assert np.flatnonzero(down[:, 0]).tolist() == list(range(20, 40))
    assert np.flatnonzero(down[:, 1]).tolist() == [50, 51]


def test_without_edges_that_stay_nothing_is_said_to_be_gone() -> None:
    """All frames count."""
    assert presence(np.array([0.01, -0.02, 0.03], np.float32)).tolist() == [1, 1, 1]
