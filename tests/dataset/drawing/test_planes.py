"""Pictures as a codec has them."""

from __future__ import annotations

import av
import numpy as np
import pytest

from nitropilot.dataset.drawing.planes import Colours, Planes, layer_of, planes_of


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
def test_colours_are_those_of_ffmpeg(matrix: str, full: bool) -> None:
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [10, 20, 30]])
    picture = np.repeat(colours.astype(np.uint8), 2, axis=0)[None].repeat(2, axis=0)

    ours = planes_of(picture, Colours(matrix, full))
    frame = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(picture.repeat(8, 0).repeat(8, 1)), format="rgb24"
    )
    theirs = frame.reformat(
        format="yuvj420p" if full else "yuv420p",
        dst_colorspace="itu709" if matrix == "bt709" else "itu601",
    )
    for index, plane in enumerate(theirs.planes):
        width = frame.width // (2 if index else 1)
        seen = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, :width]
        middles = seen[4, (8 if index == 0 else 4) :: 16 if index == 0 else 8][:5]
        expected = ours[index][0, ::2] if index == 0 else ours[index][0]
        assert np.abs(middles - expected).max() <= 2.5


def test_mixing_planes_is_mixing_colours() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.random((8, 12, 4), np.float32)
    drawn[..., :3] *= drawn[..., 3:]
    under = rng.integers(0, 256, (8, 12, 3), dtype=np.uint8)
    colours = Colours("bt709")

    mixed = under * (1 - 0.7 * drawn[..., 3:]) + 0.7 * 255 * drawn[..., :3]
    over = layer_of(drawn, colours).over(planes_of(under, colours), 0.7)
    expected = planes_of(np.clip(mixed, 0, 255).astype(np.uint8), colours)
    assert np.abs(over.y - expected.y).max() < 1.0
    # Colours at half the size are mixed from means, which is not the mean of what is mixed.
    flat = layer_of(
        drawn[:2, :2].mean(axis=(0, 1), keepdims=True).repeat(2, 0).repeat(2, 1), colours
    )
    grey = Planes(*(np.full(plane.shape, 128, np.float32) for plane in flat.colour))
    assert np.allclose(flat.over(grey, 0.0).u, 128)
