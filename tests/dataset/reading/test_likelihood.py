"""The probability of a patch, against the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.dataset.reading.likelihood import Background, Evidence, state


@pytest.mark.parametrize("hidden", [0, 12])
@pytest.mark.parametrize("opacity", [1.0, 0.6])
def test_it_is_that_of_the_gaussian_with_the_whole_covariance(opacity: float, hidden: int) -> None:
    """Of both states, whether or not some pixels hide what is behind them."""
    rng = np.random.default_rng(2)
    pixels, patterns = 30, 5
    background = Background(
        110.0, rng.standard_normal((pixels, patterns)).astype(np.float32) * 20, 14.0
    )
    seen = (rng.random((4, pixels), np.float32) * 255).astype(np.float32)
    states, expected = [], []
    clear = np.arange(pixels) >= hidden
    for _ in range(2):
        alpha = np.where(clear, rng.random(pixels), 1 / opacity).astype(np.float32)
        colour = alpha * rng.random(pixels, np.float32) * 255
        edges = rng.random(pixels, np.float32) * 30
        states.append(state(colour, alpha, edges, opacity, background, 5.0, 0.1, clear))
        through = 1 - opacity * alpha
        shown = through[:, None] * background.patterns
        whole = shown @ shown.T + np.diag(25 + through**2 * 14 + (0.1 * edges) ** 2)
        left = seen - (opacity * colour + through * 110)
        said = -0.5 * np.einsum("tn,nm,tm->t", left, np.linalg.inv(whole), left)
        expected.append(said - 0.5 * np.linalg.slogdet(whole)[1])
    both = np.stack(expected, axis=1)

    found = Evidence(tuple(states), clear).of(seen)

    constants = [state.constant for state in states]
    best = both.argmax(axis=1)
    far = 2 * (np.array(constants)[best] - both.max(axis=1)) / pixels
    assert found == pytest.approx(both / np.maximum(far, 1)[:, None], rel=2e-3)


def test_the_state_that_is_seen_is_the_likeliest() -> None:
    rng = np.random.default_rng(3)
    background = Background(100.0, np.ones((50, 1), np.float32) * 40, 10.0)
    colours = [np.full(50, 90.0, np.float32), np.full(50, 130.0, np.float32)]
    half = np.full(50, 0.5, np.float32)
    evidence = Evidence(tuple(
        state(colour * half, half, np.zeros(50, np.float32), 1.0, background, 4.0, 0.0)
        for colour in (colours[0] + 20 * (np.arange(50) % 2), colours[1])
    ))  # fmt: skip
    # The same smooth background under both: only what is drawn tells them apart.
    under = 100 + 40 * rng.standard_normal((20, 1))
    striped = 0.5 * (90 + 20 * (np.arange(50) % 2)) + 0.5 * under
    plain = 0.5 * 130 + 0.5 * under

    assert (evidence.of(striped.astype(np.float32)).argmax(axis=1) == 0).all()
    assert (evidence.of(plain.repeat(50, 1).astype(np.float32)).argmax(axis=1) == 1).all()


def test_a_frame_that_no_state_explains_says_little() -> None:
    nothing = Background(100.0, np.zeros((50, 0), np.float32), 0.0)
    full, flat = np.ones(50, np.float32), np.zeros(50, np.float32)
    evidence = Evidence(tuple(
        state(full * level, full, flat, 1.0, nothing, 4.0, 0.0) for level in (90.0, 100.0)
    ))  # fmt: skip
    strange = np.tile(np.array([20.0, 180.0], np.float32), 25)[None]

    near, far = (float(np.ptp(evidence.of(seen))) for seen in (full[None] * 99, strange))
    assert near > 10 * far
