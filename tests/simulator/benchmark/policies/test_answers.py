"""What is believed of a policy's answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nitropilot.simulator.benchmark.policies.answers import LONGEST, checked_answer
from nitropilot.simulator.benchmark.policies.errors import RUBBISH, PolicyFailed


@pytest.mark.parametrize(
    "answer",
    [
        np.zeros((1, 20)),
        np.zeros((16, 20), np.float16),
        np.ones((LONGEST, 20), bool),
        [[0] * 20, [1] * 20],
    ],
)
def test_any_numbers_will_do(answer: Any) -> None:
    """Whoever answers with lists, or in double precision, has answered."""
    values = checked_answer(answer)
    assert values.dtype == np.float32
    assert np.array_equal(values, np.asarray(answer, np.float32))


def test_it_is_clipped_to_the_space() -> None:
    """What lies outside presses as much as there is to press."""
    values = checked_answer([[2.0] * 16 + [-3.0] * 4, [-2.0] * 16 + [1e300] * 4])
    assert values.tolist() == [[1.0] * 16 + [-1.0] * 4, [0.0] * 16 + [1.0] * 4]


def _spoilt(value: float) -> Any:
    actions = np.zeros((4, 20))
    actions[2, 7] = value
    return actions


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "a NoneType"),
        ("left", "a str, 'left'"),
        (np.zeros(20), "the shape (20,)"),
        (np.zeros((16, 25)), "the shape (16, 25)"),
        (np.zeros((0, 20)), "the shape (0, 20)"),
        (np.zeros((LONGEST + 1, 20)), f"the shape ({LONGEST + 1}, 20)"),
        (np.zeros((1, 16, 20)), "the shape (1, 16, 20)"),
        ([[1.0], [1.0, 2.0]], "no array"),
        (np.zeros((2, 20), complex), "a ndarray"),
        (np.full((2, 20), object()), "a ndarray"),
        (_spoilt(np.nan), "number 7 of action 2 of the answer is nan"),
        (_spoilt(-np.inf), "number 7 of action 2 of the answer is -inf"),
    ],
)
def test_rubbish_is_named(answer: Any, said: str) -> None:
    """Rubbish that is pressed is nobody's play, and an error without the place helps nobody."""
    with pytest.raises(PolicyFailed) as error:
        checked_answer(answer)
    assert said in str(error.value)
    assert error.value.how == RUBBISH
    assert "T x 20" in error.value.hint
