"""Decode a picture that a client sent, distrusting it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from server.errors import ImageInvalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 7680 * 4320
"""An 8K screen."""
FORMATS = ("PNG", "JPEG")


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
