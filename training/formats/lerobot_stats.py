"""Statistics of a LeRobotDataset's features: least, most, mean, deviation and count of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray


class Stats:
    """Sums that grow with what is added; nothing else is kept."""

    def __init__(self) -> None:
        self._sums: dict[str, list[NDArray[np.float64]]] = {}
        self._counts: dict[str, int] = {}
        self._pictures: set[str] = set()

    def add(self, columns: Mapping[str, Any]) -> None:
        """Rows of some features; texts are left out."""
        for name, values in columns.items():
            found = np.asarray(values)
            if found.dtype.kind in "biuf":
                self._grow(name, found.reshape(len(found), -1).astype(np.float64), len(found))

    def add_pictures(self, name: str, pictures: Iterable[NDArray[np.uint8]]) -> None:
        """Pictures of a feature, ``H x W x 3`` each; counted by the picture."""
        self._pictures.add(name)
        for picture in pictures:
            self._grow(name, picture.reshape(-1, 3).astype(np.float64) / 255.0, 1)

    def facts(self) -> dict[str, Any]:
        """As ``stats.json`` has them; of a picture in the shape ``3 x 1 x 1``."""
        return {name: self._facts(name) for name in self._sums}

    def _facts(self, name: str) -> dict[str, Any]:
        low, high, total, square, rows = self._sums[name]
        mean = total / rows
        deviation = np.sqrt(np.maximum(square / rows - mean**2, 0.0))
        shape = (3, 1, 1) if name in self._pictures else (-1,)
        named = {"min": low, "max": high, "mean": mean, "std": deviation}
        said = {key: value.reshape(shape).tolist() for key, value in named.items()}
        return {**said, "count": [self._counts[name]]}

    def _grow(self, name: str, values: NDArray[np.float64], count: int) -> None:
        if not len(values):
            return
        new = [
            values.min(axis=0), values.max(axis=0), values.sum(axis=0), (values**2).sum(axis=0),
            np.array(float(len(values))),
        ]  # fmt: skip
        merges = (np.minimum, np.maximum, np.add, np.add, np.add)
        if (old := self._sums.get(name)) is not None:
            pairs = zip(merges, old, new, strict=True)
            new = [np.asarray(merge(one, other)) for merge, one, other in pairs]
        self._sums[name] = new
        self._counts[name] = self._counts.get(name, 0) + count
