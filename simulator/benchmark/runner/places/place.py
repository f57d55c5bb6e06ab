"""``Place``: where episodes are played, this machine or others; all that a run knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from nitropilot.simulator.benchmark.runner.referee import Referee

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.policies.card import Card
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.runner.episode import Job
    from nitropilot.simulator.benchmark.runner.wishes import Wish


class Place(Protocol):
    """Where one episode at a time is played.  All is for one thread but ``stop``.

    Attributes:
        machine: Which machine that is (``Machine.name``), once it is open.
    """

    machine: str

    def open(self) -> None:
        """Be ready to play, however long that takes; again after a loss.

        Raises:
            PlaceLost: There is no such place any more.
            Stopped: ``stop`` was called.
        """

    def enter(self, entry: Entry) -> Card:
        """See ``Referee.enter``."""

    def play(self, job: Job, entry: Entry) -> tuple[dict[str, Any], Any]:
        """See ``Referee.play``.

        Raises:
            PlaceLost: Nobody can tell how it went: the machine is lost, or its process is.
        """

    def stop(self) -> None:
        """Have ``open`` and ``play`` raise ``Stopped``.  From any thread."""

    def close(self) -> None:
        """Leave nothing there."""


class Places(Protocol):
    """Where a run is played.

    Attributes:
        at_once: How many episodes at a time.
    """

    at_once: int

    def place(self) -> Place:
        """One more; at most ``at_once`` of them are asked for."""


class Here:
    """This machine.

    Args:
        wish: What is to be played.
    """

    def __init__(self, wish: Wish) -> None:
        self._wish, self.at_once = wish, wish.at_once

    def place(self) -> Referee:
        """One more."""
        return Referee(self._wish.means, self._wish.patience)
