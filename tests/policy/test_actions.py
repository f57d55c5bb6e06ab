"""Reading a chunk's channels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nitropilot.policy import ObservationError
from nitropilot.policy.actions import ACTION_DIM, TOKENS, decode

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
