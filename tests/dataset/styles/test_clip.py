"""Labels against the pixels that come out of the codec, and the ranges that were asked for."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from nitropilot.dataset.looks.look import Knob, Pad
from nitropilot.dataset.looks.making import pad_of
from nitropilot.dataset.pad import NEUTRAL, Moment, states_of
from nitropilot.dataset.styles.clip import RUN, SEEN, Clip, any_clip, median
from nitropilot.dataset.styles.coding import CRF, any_coding, coded
from nitropilot.dataset.styles.films import Shelf, Window
from nitropilot.dataset.styles.maps import box_of, drawn_of
from nitropilot.dataset.styles.sample import ELEMENTS, Sample
from nitropilot.dataset.styles.staging import JITTER, OPACITY, any_opacity, any_stage
from nitropilot.dataset.synth.clips import Coding
from nitropilot.dataset.synth.states import states

GOOD = Coding("h264", 18, "veryfast")
SHELF = Shelf((0,), 2)


@pytest.fixture(scope="module")
def opaque() -> Pad:
    """One that lets nothing through, with sticks that are caps."""
    return next(
        pad for pad in map(pad_of, range(200))
        if pad.filled and pad.facts["knob"] == Knob.CAP and pad.facts["press"] == "colour"
        and pad.facts["build"] in ("xbox", "playstation", "switch") and len(pad.sticks) == 2
    )  # fmt: skip


def acted(pad: Pad, moments: list[Moment]) -> list[Sample]:
    """A clip of one stretch in which that is done, at a good size."""
    rng = np.random.default_rng(3)
    stage = next(stage for stage in (any_stage(pad, rng) for _ in range(99))
                 if 150 < stage.box.width < 200)  # fmt: skip
    played = pad.seen_of(states_of(moments))
    return Clip(pad, stage, 1.0, played, [0], SHELF, GOOD, rng).samples()


def differences(found: list[Sample], element: str, frame: int) -> NDArray[np.float64]:
    """How much an element's place differs from the reference in each sample."""
    place = found[0].places == 1 + ELEMENTS.index(element)
    assert place.sum() > 8
    return np.array([
        np.abs(one.pictures[frame].astype(float) - one.reference)[place].mean() for one in found
    ])  # fmt: skip


def test_what_is_pressed_is_seen_in_its_frame(opaque: Pad) -> None:
    """Labels one frame late teach to act late, and look right on holds."""
    down, up = Moment(frozenset({"south"})), NEUTRAL
    found = acted(opaque, [up, up, down, up, up, down, down, up, *[up] * (RUN - 8)])
    labels = np.array([one.buttons[ELEMENTS.index("south")] for one in found])
    assert labels[:7].tolist() == [False, True, False, False, True, True, False]
    for frame, pressed in ((1, labels), (0, np.roll(labels, 1))):
        seen = differences(found, "south", frame)
        assert seen[~pressed].max() * 2 < seen[pressed].min()
    quiet = differences(found, "dpad_up", 1)
    assert quiet.max() < differences(found, "south", 1)[labels].min() / 2


@pytest.mark.parametrize(("axis", "sign"), [(0, -1), (0, 1), (1, -1), (1, 1)], ids=str)
def test_a_stick_goes_where_its_label_says(opaque: Pad, axis: int, sign: int) -> None:
    """A mirrored stick teaches to run the wrong way."""
    x, y = (float(sign), 0.0) if axis == 0 else (0.0, float(sign))
    found = acted(opaque, [NEUTRAL] * (RUN - 2) + [Moment(sticks=(x, y, 0.0, 0.0))] * 2)
    last, place = found[-1], found[-1].places == 1 + ELEMENTS.index("left_stick")
    assert last.sticks[axis] == sign
    changed = np.abs(last.pictures[1].astype(float) - last.reference).mean(axis=2) * place
    at = np.array([np.arange(n) @ changed.sum(axis=1 - i) for i, n in enumerate(place.shape)])
    centre = np.argwhere(place).mean(axis=0)
    moved = (at / changed.sum() - centre)[1 - axis]
    assert moved * sign > 1


def test_touchpads_leave_labels_alone() -> None:
    """What lights up of its own accord is nobody's press."""
    pad = next(pad for pad in map(pad_of, range(99)) if any(not part.name for part in pad.parts))
    found = acted(pad, [NEUTRAL] * RUN)
    assert not any(one.buttons.any() or one.sticks.any() for one in found)


def test_the_box_is_around_what_is_drawn(opaque: Pad) -> None:
    rng = np.random.default_rng(1)
    for _ in range(12):
        stage = any_stage(opaque, rng)
        box, drawn = box_of(opaque, stage.matrix), np.argwhere(
            drawn_of(opaque, stage.matrix, (stage.height, stage.width))
        )  # fmt: skip
        seen = box.inside(stage.width, stage.height)
        low, high = drawn.min(axis=0), drawn.max(axis=0) + 1
        assert (
            np.abs(np.array([*low, *high]) - [seen.top, seen.left, seen.bottom, seen.right]).max()
            < 2
        )
        off = np.abs(np.array(stage.box) - box) / [box.width, box.height, box.width, box.height]
        assert off.max() < 2 * JITTER + 0.5 / min(box.width, box.height) + 1e-6


def test_stages_are_as_various_as_was_asked_for(opaque: Pad) -> None:
    """60 to 500 pixels wide, turned by up to 5 degrees, 30 to 100 % opaque, coded in many ways."""
    rng = np.random.default_rng(0)
    stages = [any_stage(opaque, rng) for _ in range(400)]
    matrices = np.array([stage.matrix for stage in stages])
    wide = np.hypot(matrices[:, 0, 0], matrices[:, 1, 0]) * opaque.canvas.width
    assert 60 <= wide.min() < 75
    assert 380 < wide.max() <= 500
    turned = np.degrees(np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]))
    assert -5 <= turned.min() < -4
    assert 4 < turned.max() <= 5
    seen = np.array([any_opacity(rng) for _ in range(400)])
    assert OPACITY[0] <= seen.min() < 0.35
    assert (seen == 1).mean() > 0.4
    codings = [any_coding(rng) for _ in range(400)]
    assert {coding.codec for coding in codings} == {"h264", "vp9"}
    assert {coding.crf for coding in codings} == set(range(CRF[0], CRF[1] + 1))
    assert len({stage.box.width - box_of(opaque, stage.matrix).width for stage in stages}) > 5


@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_a_codec_gives_every_picture_back_in_order(codec: str) -> None:
    """B-frames are sent in another order; one that is lost moves all labels after it."""
    planes = [
        (np.full((48, 64), 40 + 10 * number, np.uint8), *[np.full((24, 32), 128, np.uint8)] * 2)
        for number in range(12)
    ]
    found = list(coded(iter(planes), 64, 48, Coding(codec, 20, "veryfast")))
    light = [float(picture.mean()) for picture in found]
    expected = [(40 + 10 * number - 16) * 255 / 219 for number in range(12)]
    np.testing.assert_allclose(light, expected, atol=4)


def test_bad_coding_is_seen() -> None:
    """Readers have to bear what sites do to videos."""
    window = Window(SHELF.film(0), np.random.default_rng(0), 96, 64)
    true = [window.frame(index) for index in range(4)]

    def error(crf: int) -> float:
        seen = list(coded(iter(true), 96, 64, Coding("h264", crf, "veryfast")))
        best = list(coded(iter(true), 96, 64, Coding("h264", 1, "veryfast")))
        return float(np.mean([np.abs(a.astype(float) - b).mean()
                              for a, b in zip(seen, best, strict=True)]))  # fmt: skip

    assert error(CRF[1]) > 2 * error(CRF[0]) > 0


def test_what_is_seen_through_is_not_opaque(opaque: Pad) -> None:
    """Scores are told apart by that."""
    rng = np.random.default_rng(5)
    played = states(rng, 4, 30)
    clip = any_clip(opaque, SHELF, played, rng)
    assert replace(clip, opacity=1.0).opaque
    assert not replace(clip, opacity=0.9).opaque
    clear = next(pad for pad in map(pad_of, range(99)) if not pad.filled)
    assert not replace(clip, pad=clear, opacity=1.0).opaque


def test_the_reference_is_the_median() -> None:
    """Of what stands still nothing must be missing in it."""
    pictures = list(np.random.default_rng(0).integers(0, 256, (SEEN, 6, 8, 3), np.uint8))
    np.testing.assert_array_equal(median(pictures), np.median(pictures, axis=0))
