"""Pictures of templates as files; what comes from elsewhere is read with distrust."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.errors import BadTemplate

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MOST_PIXELS = 7680 * 4320
"""Of a picture: an 8K screen."""


def read_picture(path: Path, formats: tuple[str, ...] = ("PNG",)) -> NDArray[np.uint8]:
    """``h x w x 4`` RGBA pixels, alpha not multiplied in.

    The size in the file's header is checked before any pixel is decoded.

    Args:
        path: The file.
        formats: What it may be.

    Raises:
        BadTemplate: It is not there, is none of these, is damaged, or is too large.
    """
    from PIL import Image, UnidentifiedImageError

    kinds = " or ".join(formats)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=formats) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise BadTemplate(
                        f"the picture {path} has {width} x {height} pixels",
                        f"at most {MOST_PIXELS} pixels",
                    )
                return np.array(picture.convert("RGBA"), np.uint8)
    except UnidentifiedImageError:
        raise BadTemplate(
            f"{path} is no {kinds} picture", f"give a file of that kind ({kinds})"
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadTemplate(
            f"the picture {path} is far too large", f"at most {MOST_PIXELS} pixels"
        ) from None
    except FileNotFoundError:
        raise BadTemplate(f"there is no picture {path}", "name a file that is there") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise BadTemplate(f"the picture {path} cannot be read: {why}") from None
    except (ValueError, SyntaxError) as error:
        raise BadTemplate(f"the picture {path} is damaged: {error}", "give a whole file") from None


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """A picture as the bytes of a PNG file; red, green, blue, and alpha where it has any."""
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(picture).save(written, "PNG")
    return written.getvalue()
