"""From a picture to the network's input."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from nitropilot.policy import ObservationError
from nitropilot.policy.observation import observe


def test_colours_are_scaled_and_keep_their_order() -> None:
    """Swapped red and blue look fine to a test on grey, and strange to the network."""
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[..., 0], pixels[..., 2] = 255, 51
    seen = observe(pixels, 16)
    assert seen.shape == (1, 3, 16, 16)
    assert seen.dtype == np.float32
    assert seen.flags.c_contiguous
    np.testing.assert_allclose(seen[0, :, 0, 0], [1.0, -1.0, 51 / 127.5 - 1], atol=1e-6)


def test_pixels_are_averaged_over_their_area() -> None:
    """Nearest or linear sampling skips thin things: bullets, ropes, text."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[::4] = 255
    seen = observe(pixels, 16)
    np.testing.assert_allclose(seen, 64 / 127.5 - 1, atol=1 / 127)


def test_the_whole_picture_is_seen() -> None:
    """A crop to a square would hide the edges, where many games show health and maps."""
    pixels = np.zeros((90, 160, 3), np.uint8)
    pixels[:, :10] = pixels[:, -10:] = 255
    seen = observe(pixels, 16)[0]
    np.testing.assert_allclose(seen[:, :, [0, -1]], 1.0)
    np.testing.assert_allclose(seen[:, :, 1:-1], -1.0)


def test_a_picture_of_the_right_size_is_only_scaled() -> None:
    """Rescaling what has the right size would blur it."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    wanted = pixels.transpose(2, 0, 1)[None] / 127.5 - 1
    np.testing.assert_allclose(observe(pixels, 32), wanted, atol=1e-6)


def test_views_are_taken() -> None:
    """Grabbers hand out mirrored or cut views of their buffer without copying it."""
    buffer = np.random.default_rng(0).integers(0, 256, (50, 60, 4), np.uint8)
    view = buffer[5:45, ::2, 2::-1]
    np.testing.assert_array_equal(observe(view, 16), observe(np.ascontiguousarray(view), 16))


@pytest.mark.parametrize(
    ("pixels", "shown"),
    [
        (np.zeros((4, 4, 4), np.uint8), "(4, 4, 4)"),
        (np.zeros((4, 4), np.uint8), "(4, 4)"),
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((0, 4, 3), np.uint8), "(0, 4, 3)"),
    ],
)
def test_what_is_no_picture_is_refused(pixels: np.ndarray, shown: str) -> None:
    """A grabber without a frame hands out an empty array: say so, do not crash in OpenCV."""
    with pytest.raises(ObservationError) as caught:
        observe(pixels, 16)
    assert shown in caught.value.line()
    assert "uint8 (height, width, 3)" in caught.value.line()


@pytest.mark.parametrize("size", [64, 256])
@pytest.mark.parametrize(
    ("height", "width"),
    [(1080, 1920), (720, 1280), (1440, 2560), (768, 1366), (900, 1600), (600, 800), (601, 800)],
)
def test_two_threads_see_what_one_sees(height: int, width: int, size: int) -> None:
    """A cut through a row, or weights that begin anew, would show as a line in the picture."""
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    whole = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA)
    seen = np.rint((observe(pixels, size)[0] + 1) * 127.5).astype(np.uint8)
    np.testing.assert_array_equal(seen.transpose(1, 2, 0), whole)


def test_many_at_once() -> None:
    """A policy server resizes the pictures of several clients at the same time."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (720, 1280, 3), dtype=np.uint8) for _ in range(6)]
    alone = [observe(picture, 256) for picture in pictures]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda picture: observe(picture, 256), pictures * 4))
    for number, planes in enumerate(together):
        np.testing.assert_array_equal(planes, alone[number % len(alone)])
