"""Made-up controllers are of many kinds, and each is the same for everybody."""

from collections import Counter

import numpy as np
import pytest

from nitropilot.dataset.looks import palette
from nitropilot.dataset.looks.look import Knob, Pad, Pull
from nitropilot.dataset.looks.making import pad_of
from nitropilot.dataset.looks.traits import Build, Cross, Finish, Press, Signs, Traits, draw_traits
from nitropilot.dataset.pad import BUTTONS, Moment, states_of
from nitropilot.records.format import PUBLISHED_BUTTONS


@pytest.fixture(scope="module")
def pads() -> list[Pad]:
    return [pad_of(seed) for seed in range(40)]


@pytest.fixture(scope="module")
def many() -> list[Traits]:
    return [draw_traits(np.random.default_rng([1, seed])) for seed in range(400)]


@pytest.mark.parametrize(
    ("fact", "kinds"),
    [("finish", Finish), ("build", Build), ("press", Press), ("knob", Knob), ("cross", Cross),
     ("signs", Signs), ("pull", Pull)],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_every_kind_is_drawn_and_none_rules(many: list[Traits], fact: str, kinds: type) -> None:
    """A reader knows of no look that it was never shown."""
    counts = Counter(str(getattr(traits, fact)) for traits in many)
    assert set(counts) == {str(kind) for kind in kinds}
    assert max(counts.values()) < 0.7 * 400


def test_a_look_does_not_depend_on_what_was_drawn_before() -> None:
    """Workers draw looks in any order."""
    first = pad_of(5)
    pad_of.cache_clear()
    pad_of(6)
    again = pad_of(5)
    assert again is not first
    assert again.facts == first.facts
    assert again.canvas == first.canvas
    assert [part.name for part in again.parts] == [part.name for part in first.parts]
    for one, other in zip(again.parts, first.parts, strict=True):
        for inks in ("neutral", "pressed"):
            for ink, same in zip(getattr(one, inks), getattr(other, inks), strict=True):
                assert (ink.colour, ink.alpha, ink.line) == (same.colour, same.alpha, same.line)
                for points, equal in zip(ink.shape.parts, same.shape.parts, strict=True):
                    np.testing.assert_array_equal(points, equal)


def test_parts_may_be_absent_and_are_then_not_shown(pads: list[Pad]) -> None:
    """A label for what cannot be seen teaches to guess."""
    shown = np.array([pad.shown_buttons for pad in pads])
    sticks = np.array([pad.shown_sticks for pad in pads])
    everything = states_of([Moment(frozenset(BUTTONS), (1, 1, -1, -1), (1.0, 1.0))])
    for index, pad in enumerate(pads):
        seen = pad.seen_of(everything)
        np.testing.assert_array_equal(seen.published()[0], shown[index])
        np.testing.assert_array_equal(seen.sticks[0] != 0, np.repeat(sticks[index], 2))
    for side in (0, 1):
        assert 0.4 < sticks[:, side].mean() < 1
    rare = shown.mean(axis=0)
    assert (rare > 0.4).all(), dict(zip(PUBLISHED_BUTTONS, rare, strict=True))
    assert rare[PUBLISHED_BUTTONS.index("guide")] < 0.95


def test_a_name_is_there_once(pads: list[Pad]) -> None:
    """Two buttons of one name could not both be read."""
    for pad in pads:
        names = [part.name for part in pad.parts if part.name]
        assert len(set(names)) == len(names)


def test_distractors_are_there(pads: list[Pad]) -> None:
    """Touchpads and paddles light up in real overlays, and are none of the buttons."""
    count = sum(any(not part.name for part in pad.parts) for pad in pads)
    assert 5 <= count <= 35


def test_what_is_lit_can_be_told_from_what_is_not() -> None:
    rng = np.random.default_rng(2)
    for _ in range(200):
        ground = palette.any_colour(rng)
        assert palette.apart(palette.lit_against(rng, ground), ground) >= palette.APART
