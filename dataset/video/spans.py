"""From some frames in which something is, and some in which it is not, to the very frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


class Span(NamedTuple):
    """Frames ``first`` to before ``last``."""

    first: int
    last: int


class _Run(NamedTuple):
    """Sampled frames in a row in which it is there: numbers of frames.

    Attributes:
        before: The last one sampled in which it is not yet there; -1 for none.
        first: The first one sampled in which it is.
        last: The last one.
        after: The next one sampled; as many as the video has for none.
    """

    before: int
    first: int
    last: int
    after: int


def spans(
    here: Collection[int], sampled: Sequence[int], total: int, is_there: Callable[[int], bool]
) -> list[Span]:
    """When something is there.

    Args:
        here: Numbers of the frames in which it is known to be.
        sampled: Those of all frames that were looked at, rising.
        total: Frames of the video.
        is_there: Whether it is in a frame, by its number; asked of few.
    """
    return [
        Span(
            _edge(run.first, run.before, total, is_there),
            _edge(run.last, run.after, total, is_there) + 1,
        )
        for run in _runs(here, sampled, total)
    ]


def _runs(here: Collection[int], sampled: Sequence[int], total: int) -> list[_Run]:
    runs: list[_Run] = []
    before = -1
    for number, after in zip(sampled, [*sampled[1:], total], strict=True):
        if number not in here:
            before = number
        elif runs and runs[-1].after == number:
            runs[-1] = runs[-1]._replace(last=number, after=after)
        else:
            runs.append(_Run(before, number, number, after))
    return runs


def _edge(inside: int, outside: int, total: int, is_there: Callable[[int], bool]) -> int:
    """The frame next to ``outside`` in which it is there, by halving what lies between."""
    step = 1 if outside > inside else -1
    if inside != outside - step and outside in (-1, total):
        if is_there(outside - step):
            return outside - step
        outside -= step
    while abs(outside - inside) > 1:
        middle = (inside + outside) // 2
        if is_there(middle):
            inside = middle
        else:
            outside = middle
    return inside
