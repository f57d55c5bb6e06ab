"""The points of a library's skins, made once and kept in the user's cache.

A skin is drawn over a middle grey, cut to what it shows, at some of the sizes that overlays have.
Its points are kept in pixels of its canvas.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.dataset.drawing.canvas import Painter
from nitropilot.dataset.locating.features import CONTRAST, MOST_POINTS, Features
from nitropilot.dataset.locating.neutral import seen
from nitropilot.dataset.pad import NEUTRAL
from nitropilot.dataset.pose import Box
from nitropilot.places import cache_root, user_cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.locating.features import Kind
    from nitropilot.dataset.templates.template import Template

log = logging.getLogger("nitropilot.dataset")

GREY = 0.5
"""What a skin is drawn over: dark and bright lines stand out of it alike."""
MARGIN = 16
"""Pixels of it around a drawing: points near an edge of the picture are not looked for."""
VERSION = 1
"""Of what is kept; another one is made anew."""


class Skin(NamedTuple):
    """What is known of one skin before a video is looked at.

    Attributes:
        template: The skin.
        seen: The part of its canvas that shows anything.
        points: For each kind by name its sets of points, in pixels of the canvas.
    """

    template: Template
    seen: Box
    points: dict[str, list[Features]]


def skins(templates: Iterable[Template], kinds: Sequence[Kind]) -> list[Skin]:
    """All skins of a library, out of the cache where they are there."""
    folder = cache_root(user_cache()) / "skins"
    return [_skin(template, kinds, folder) for template in templates]


def _skin(template: Template, kinds: Sequence[Kind], folder: Path) -> Skin:
    content = digest(template)
    drawn: NDArray[np.float32] | None = None
    points: dict[str, list[Features]] = {}
    place: Box | None = None
    for kind in kinds:
        path = folder / f"{content}-{_digest_of(kind)}.npz"
        kept = _load(path)
        if kept is None:
            if drawn is None:
                drawn = Painter(template).paint(NEUTRAL)
            kept = seen(drawn), _points(drawn, seen(drawn), kind)
            _save(path, *kept)
        place, points[kind.name] = kept
    return Skin(template, place or Box(0, 0, template.width, template.height), points)


def _points(drawn: NDArray[np.float32], place: Box, kind: Kind) -> list[Features]:
    """The sets of points of a canvas: one, or one for each width."""
    sets = [_at_width(drawn, place, width, kind) for width in kind.widths]
    if not kind.together:
        return sets
    return [Features(*(np.concatenate(parts) for parts in zip(*sets, strict=True)))]


def _at_width(drawn: NDArray[np.float32], place: Box, width: int, kind: Kind) -> Features:
    cut = drawn[place.top : place.bottom, place.left : place.right]
    scale = width / place.width
    size = (width, max(round(place.height * scale), 1))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = cv2.resize(cut, size, interpolation=way)
    over = small[..., :3] + GREY * (1 - small[..., 3:])
    grey = over @ np.array([0.299, 0.587, 0.114], np.float32)
    grey = np.pad(grey, MARGIN, constant_values=GREY)
    found = kind.of(np.clip(np.round(grey * 255), 0, 255).astype(np.uint8))
    by = np.array([place.width / size[0], place.height / size[1]])
    points = (found.points - MARGIN) * by + (place.left, place.top)
    return Features(points.astype(np.float32), found.descriptors)


def digest(template: Template) -> str:
    """A name for how a skin looks: any other picture or place gives another one."""
    content = hashlib.sha256(f"{VERSION} {template.width} {template.height}".encode())
    for element in template.elements:
        facts = (element.kind, element.name, element.x, element.y, element.looks[0].shape)
        content.update(repr(facts).encode())
        content.update(np.ascontiguousarray(element.looks[0]).tobytes())
    return content.hexdigest()[:32]


def _digest_of(kind: Kind) -> str:
    """A name for a way to find points: another network's weights are another one."""
    content = hashlib.sha256(
        f"{kind.name} {kind.widths} {CONTRAST} {MOST_POINTS} {cv2.__version__}".encode()
    )
    network = getattr(kind, "network", None)
    if network is not None:
        for name, weights in network.state_dict().items():
            content.update(name.encode() + weights.numpy().tobytes())
    return f"{kind.name}-{content.hexdigest()[:16]}"


def _load(path: Path) -> tuple[Box, list[Features]] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            place = Box(*map(int, kept["seen"]))
            sets = range(int(kept["sets"]))
            return place, [Features(kept[f"points{i}"], kept[f"looks{i}"]) for i in sets]
    except FileNotFoundError:
        return None
    except Exception as error:  # noqa: BLE001 - a damaged archive raises what it likes; made anew
        log.warning("%s is damaged (%s): it is made again", path, error)
        return None


def _save(path: Path, place: Box, sets: list[Features]) -> None:
    """Keep them; a disk without room costs time the next time, and nothing now."""
    arrays = {"seen": np.array(place), "sets": np.array(len(sets))}
    for index, found in enumerate(sets):
        arrays[f"points{index}"], arrays[f"looks{index}"] = found
    part = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        Path(part).replace(path)
    except OSError as error:
        log.warning("the skin's points cannot be kept in %s: %s", path, error.strerror or error)
        if part is not None:
            Path(part).unlink(missing_ok=True)
