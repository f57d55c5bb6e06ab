"""``Ranks``: the processes of one run, and all that they tell each other besides gradients.

One process alone is rank 0 of 1: everything here is then what it would be without the others.
What is told goes over the processor's memory (gloo), whatever gradients go over.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import torch
import torch.distributed as group

from nitropilot.errors import NitroPilotError
from nitropilot.training.errors import BadData, BadSettings, PeerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    T = TypeVar("T")

SIGNS = ("gloo", "nccl", "connection closed", "connection reset", "broken pipe", "timed out")
"""Of an error that is of the way to another process, and not of what was computed."""


@dataclass(frozen=True)
class Ranks:
    """Which of a run's processes this is.

    Attributes:
        rank: Its number; 0 writes all files.
        count: How many there are, on all machines.
        local: Its number on this machine, which is that of its card.
    """

    rank: int = 0
    count: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and says what becomes of the run."""
        return self.rank == 0

    @property
    def part(self) -> slice:
        """Its rows of whatever all of them share: every ``count``-th."""
        return slice(self.rank, None, self.count)

    def sums(self, *numbers: float) -> list[float]:
        """The sums over all processes; the same to the last digit on each."""
        if self.count == 1:
            return [*numbers]
        flat = torch.tensor(numbers, dtype=torch.float64)
        with talking():
            group.all_reduce(flat)
        return [float(number) for number in flat]

    def any(self, one: bool) -> bool:
        """Whether it is so in one of them."""
        return self.sums(float(one))[0] > 0

    def of_first(self, number: float) -> float:
        """The number that rank 0 has."""
        return self.sums(number if self.first else 0.0)[0]

    def lists(self, own: list[str]) -> list[str]:
        """What all of them have, that of rank 0 first."""
        return [each for its in self._all(own) for each in its]

    def by_first(self, make: Callable[[], T]) -> T:
        """What rank 0 makes; the others wait for it.

        Raises:
            PeerLost: It failed there; there itself its own error is raised.
        """
        return self._in_turns(make, [self.first])[0]

    def in_turn(self, make: Callable[[], T]) -> T:
        """What each makes: rank 0, then one on each other machine, then the rest.

        So that what the first one leaves in files is there for those who see them.

        Raises:
            PeerLost: It failed in another.
        """
        turn = 0 if self.first else 1 if self.local == 0 else 2
        made = self._in_turns(make, [turn == each for each in range(3)], own=True)
        return made[0]

    def require_same(self, what: str, value: Any) -> None:
        """See that all have the same, such as data.

        Raises:
            BadData: Another process has something else.
        """
        values = self._all(value)
        for rank, its in enumerate(values):
            if its != values[0]:
                raise BadData(
                    f"process {rank} has {what} other than process 0",
                    "give every machine the same command and the same files",
                )

    def require_rows(self, batch: int) -> None:
        """See that there is a sample for each.

        Raises:
            BadSettings: There is not.
        """
        if batch < self.count:
            raise BadSettings(
                f"a batch of {batch} is too small for {self.count} processes",
                "give a larger --batch-size: it is that of all of them together",
            )

    def of_first_tensors(self, tree: Any) -> Any:
        """What rank 0 has: dicts, lists, plain values and tensors, one tensor at a time."""
        if self.count == 1:
            return tree
        held: list[Tensor] = []
        outline = self._from_first(_outline(tree, held) if self.first else None)
        return _filled(outline, iter(held), self.first)

    def _in_turns(self, make: Callable[[], T], turns: list[bool], own: bool = False) -> list[T]:
        if self.count == 1:
            return [make()]
        made: list[T] = []
        for mine in turns:
            failed: NitroPilotError | None = None
            if mine:
                try:
                    made.append(make())
                except NitroPilotError as error:
                    failed = error
            lines = self._all("" if failed is None else failed.line())
            if failed is not None:
                raise failed
            for rank, line in enumerate(lines):
                if line:
                    raise PeerLost(f"process {rank} of {self.count} ended: {line}")
        return made if own else [self._from_first(made[0] if made else None)]

    def _all(self, own: T) -> list[T]:
        if self.count == 1:
            return [own]
        found: list[Any] = [None] * self.count
        with talking():
            group.all_gather_object(found, own)
        return found

    def _from_first(self, own: Any) -> Any:
        box = [own]
        with talking():
            group.broadcast_object_list(box, src=0)
        return box[0]


ALONE = Ranks()
"""One process, as nearly always."""


@contextmanager
def talking() -> Iterator[None]:
    """What goes wrong on the way to the others is said in one line.

    Raises:
        PeerLost: One of them has ended, or cannot be reached any more.
    """
    try:
        yield
    except RuntimeError as error:
        said = str(error).strip()
        if not (isinstance(error, group.DistError) or any(sign in said.lower() for sign in SIGNS)):
            raise
        reason = said.splitlines()[0][:200] if said else type(error).__name__
        raise PeerLost(
            f"another process of this run has ended or cannot be reached: {reason}",
            "its own last line says why; the same command goes on from the last checkpoint",
        ) from error


class _Hole(NamedTuple):
    """Where a tensor belongs."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def _outline(tree: Any, held: list[Tensor]) -> Any:
    """The tree without its tensors, which are put into ``held`` in order."""
    if isinstance(tree, torch.Tensor):
        held.append(tree)
        return _Hole(tuple(tree.shape), tree.dtype)
    if isinstance(tree, dict):
        return {name: _outline(value, held) for name, value in tree.items()}
    if isinstance(tree, list):
        return [_outline(value, held) for value in tree]
    return tree


def _filled(outline: Any, held: Iterator[Tensor], first: bool) -> Any:
    """The tree with its tensors, as rank 0 sends them."""
    if isinstance(outline, _Hole):
        tensor = (
            next(held).contiguous() if first else torch.empty(outline.shape, dtype=outline.dtype)
        )
        with talking():
            group.broadcast(tensor, src=0)
        return tensor
    if isinstance(outline, dict):
        return {name: _filled(value, held, first) for name, value in outline.items()}
    if isinstance(outline, list):
        return [_filled(value, held, first) for value in outline]
    return outline
