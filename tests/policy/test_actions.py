"""Reading a chunk's channels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nitropilot.policy.actions
from nitropilot.policy import ObservationError
from nitropilot.policy.actions import (
    ACTION_DIM,
    CHECKPOINT,
    ENVIRONMENT,
    FLICKS,
    LABELS,
    OLD_CHECKPOINT,
    PAPER,
    TOKENS,
    Layout,
    decode,
)
from tests.support.places import ROOT

chunks = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 20), st.just(ACTION_DIM)),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@given(chunks)
@example(np.full((1, ACTION_DIM), np.finfo(np.float32).max, np.float32))
def test_sticks_stay_within_reach(chunk: np.ndarray) -> None:
    """A stick beyond 1 wraps around in a driver that takes 16 bits."""
    decoded = decode(chunk)
    for stick in (decoded.j_left, decoded.j_right):
        assert stick.shape == (len(chunk), 2)
        assert np.abs(stick).max() <= 1.0


@given(chunks)
def test_both_layouts_hold_the_same_channels(chunk: np.ndarray) -> None:
    """An old checkpoint read in the new layout presses buttons with its stick."""
    old = np.concatenate([chunk[:, 21:], chunk[:, :21]], axis=1)
    new, moved = decode(chunk), decode(old, old_layout=True)
    np.testing.assert_array_equal(new.j_left, moved.j_left)
    np.testing.assert_array_equal(new.j_right, moved.j_right)
    np.testing.assert_array_equal(new.buttons, moved.buttons)


@pytest.mark.parametrize("token", TOKENS)
def test_each_channel_has_its_own_token(token: str) -> None:
    """Names one place off press BACK for START."""
    chunk = np.full((1, ACTION_DIM), 0.5, np.float32)
    chunk[0, TOKENS.index(token)] = np.nextafter(np.float32(0.5), np.float32(1))
    assert decode(chunk).pressed(0) == {token}


def test_the_order_is_the_one_that_was_trained() -> None:
    """The order is part of the weights: alphabetical, and not to be tidied up."""
    assert len(TOKENS) == 21
    assert list(TOKENS) == sorted(TOKENS)
    assert (TOKENS[0], TOKENS[5], TOKENS[10], TOKENS[18], TOKENS[20]) == (
        "BACK", "EAST", "NORTH", "SOUTH", "WEST",
    )  # fmt: skip


def test_sticks_are_centred_at_one_half_and_grow_downward() -> None:
    """Sticks at rest must read as rest; y is turned for XInput elsewhere, once."""
    chunk = np.zeros((1, ACTION_DIM), np.float32)
    chunk[0, 21:] = (0.5, 1.0, 0.0, 0.75)
    decoded = decode(chunk)
    assert decoded.j_left.tolist() == [[0.0, 1.0]]
    assert decoded.j_right.tolist() == [[-1.0, 0.5]]


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (np.zeros((16, 24)), r"\(16, 24\).*T x 25"),
        (np.zeros(25), r"\(25,\).*T x 25"),
        (np.full((2, 25), np.nan), "not finite"),
        (np.full((2, 25), np.inf), "not finite"),
    ],
)
def test_what_is_no_chunk_is_refused(chunk: np.ndarray, message: str) -> None:
    """NaN is not above 0.5: it would release every button without a word."""
    with pytest.raises(ObservationError, match=message.split(".*")[0]) as caught:
        decode(chunk)
    assert message.split(".*")[-1] in caught.value.line()


LAYOUTS = {
    "checkpoint": (CHECKPOINT, 25),
    "old checkpoint": (OLD_CHECKPOINT, 25),
    "paper": (PAPER, 24),
    "labels": (LABELS, 21),
    "environment": (ENVIRONMENT, 20),
}
every_layout = pytest.mark.parametrize(("layout", "width"), LAYOUTS.values(), ids=list(LAYOUTS))


@every_layout
@given(data=st.data())
def test_what_is_read_and_written_is_what_was_there(
    layout: Layout, width: int, data: st.DataObject
) -> None:
    """Both ways, in each width: actions that a layout can hold come back as they were."""
    assert layout.width == width
    steps = data.draw(st.integers(1, 20))
    pressed = data.draw(arrays.arrays(np.bool_, (steps, width - 4)))
    reach = st.floats(0 if layout.halved else -1, 1, width=32)
    sticks = data.draw(arrays.arrays(np.float32, (steps, 4), elements=reach))
    parts = [sticks, pressed] if layout.sticks_first else [pressed, sticks]
    actions = np.concatenate(parts, axis=1, dtype=np.float32)
    read = layout.read(actions)
    written = layout.write(read)
    np.testing.assert_allclose(written, actions, atol=1e-7)
    for old, new in zip(vars(read).values(), vars(layout.read(written)).values(), strict=True):
        np.testing.assert_allclose(old, new, atol=2e-7)


@every_layout
def test_each_button_has_a_channel_of_its_name(layout: Layout, width: int) -> None:
    """By name and not by place: widths differ, and what they share is the same control."""
    for token in layout.tokens:
        chunk = np.zeros((1, ACTION_DIM), np.float32)
        chunk[0, 21:] = 0.5
        chunk[0, TOKENS.index(token)] = 1.0
        assert layout.read(layout.write(decode(chunk))).pressed(0) == {token}
    assert set(TOKENS) - set(layout.tokens) == {
        25: set(), 24: {"GUIDE"}, 21: set(FLICKS), 20: {*FLICKS, "GUIDE"}
    }[width]  # fmt: skip


def test_a_flick_without_a_channel_moves_the_stick() -> None:
    """A label or an environment would lose it otherwise; y grows downward."""
    for token, way in FLICKS.items():
        chunk = np.full((1, ACTION_DIM), 0.25, np.float32)
        chunk[0, TOKENS.index(token)] = 1.0
        decoded = decode(chunk)
        for layout in (LABELS, ENVIRONMENT):
            assert layout.read(layout.write(decoded)).j_right.tolist() == [list(way)]
        assert PAPER.read(PAPER.write(decoded)).j_right.tolist() == [[-0.5, -0.5]]


@every_layout
def test_another_width_is_refused(layout: Layout, width: int) -> None:
    """One channel too few would be read as other controls."""
    with pytest.raises(ObservationError, match=rf"\(3, {width - 1}\)") as caught:
        layout.read(np.zeros((3, width - 1)))
    assert f"T x {width}" in caught.value.line()


def test_the_page_has_each_width_and_the_order() -> None:
    """docs/actions.md is what a user's own reader is written after."""
    page = (ROOT / "docs" / "actions.md").read_text(encoding="utf-8")
    assert ", ".join(TOKENS) in " ".join(page.split())
    for layout, width in LAYOUTS.values():
        assert f"{width}" in page
        (name,) = (n for n, one in vars(nitropilot.policy.actions).items() if one is layout)
        assert f"`{name}`" in page
