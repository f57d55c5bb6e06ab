"""Decode a picture that a client sent, distrusting it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.server.errors import ImageInvalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 7680 * 4320
"""An 8K screen."""
FORMATS = ("PNG", "JPEG")


def raw_picture(body: bytes, width: int | None, height: int | None) -> NDArray[np.uint8]:
    """``height x width x 3`` RGB pixels, row by row from the top, a byte each.

    Raises:
        ImageInvalid: A side is missing, or the body has another length than they say.
    """
    if width is None or height is None:
        raise ImageInvalid(
            f"raw pixels with width {width} and height {height}", "say both: ?width=W&height=H"
        )
    if width * height > MAX_PIXELS:
        raise ImageInvalid(
            f"the picture has {width} x {height} pixels", f"at most {MAX_PIXELS} pixels"
        )
    if len(body) != width * height * 3:
        raise ImageInvalid(
            f"the body has {len(body)} bytes, and {width} x {height} RGB pixels have "
            f"{width * height * 3}",
            "send red, green and blue, a byte each, row by row from the top",
        )
    return np.frombuffer(body, np.uint8).reshape(height, width, 3)


def decode_picture(body: bytes) -> NDArray[np.uint8]:
    """``H x W x 3`` RGB pixels of a PNG or JPEG file.

    The size in the file's header is checked before any pixel is decoded.

    Raises:
        ImageInvalid: It is neither, is damaged, or has more than ``MAX_PIXELS``.
    """
    from PIL import Image, UnidentifiedImageError

    if not body:
        raise ImageInvalid("the body is empty", "send the bytes of a PNG or JPEG file")
    try:
        with Image.open(io.BytesIO(body), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise ImageInvalid(
                    f"the picture has {width} x {height} pixels", f"at most {MAX_PIXELS} pixels"
                )
            return np.asarray(picture.convert("RGB"), dtype=np.uint8)
    except UnidentifiedImageError:
        raise ImageInvalid(
            f"the body ({len(body)} bytes) is neither a PNG nor a JPEG file",
            "send the bytes of such a file, as they are",
        ) from None
    except Image.DecompressionBombError:
        raise ImageInvalid("the picture is far too large", f"at most {MAX_PIXELS} pixels") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageInvalid(f"the picture is damaged: {error}", "send a whole file") from None
