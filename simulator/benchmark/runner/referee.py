"""``Referee``: stands between an episode and its policy, and knows whose fault it is.

Both are processes of their own and speak through it alone, so it knows at every moment who owes
an answer: a policy that was asked and crashes or is late has failed; an episode that ends or falls
silent without being owed anything has.
"""

from __future__ import annotations

import queue
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from nitropilot.controller.ledger.heal import heal_all
from nitropilot.mailbox import Mailbox
from nitropilot.simulator.benchmark.policies.builtin import CARDS
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.errors import CRASHED, LATE, EntryError
from nitropilot.simulator.benchmark.results.machines import this_machine
from nitropilot.simulator.benchmark.runner.episode import UNPLAYED
from nitropilot.simulator.benchmark.runner.errors import RunFailed
from nitropilot.simulator.benchmark.runner.process import Child

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.policies.opening import Means
    from nitropilot.simulator.benchmark.runner.episode import Job
    from nitropilot.simulator.benchmark.runner.process import Letters

EPISODE = "nitropilot.simulator.benchmark.runner.episode"
POLICY = "nitropilot.simulator.benchmark.policies.child"
END_S = 10.0
"""For an episode that is over, or that nobody wants any more, to close its game."""
GAME_CRASHED, GAME_HUNG = "game crashed", "game hung"
NOTHING: dict[str, Any] = {
    "seconds": [], "deadline_misses": 0, "dropped": 0, "ticks_without_action": 0, "video": False,
    **UNPLAYED,
}  # fmt: skip
"""Of an episode that nobody can tell of any more."""


def nothing(end: str, error: str, began: float) -> dict[str, Any]:
    """What is told of such an episode.

    Args:
        end: Why it ended (``Ending``).
        error: What happened.
        began: When, in seconds of ``time.perf_counter``.
    """
    seconds = time.perf_counter() - began
    return {**NOTHING, "end": end, "error": error, "wall_seconds": seconds}


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    Attributes:
        load: For a policy to be loaded.
        decide: For one answer of a policy.
        game: For a sign of life of a game; its start counts.
    """

    load: float = 900.0
    decide: float = 60.0
    game: float = 180.0


class Stopped(Exception):
    """Nobody wants to know how the episode ends."""


class Referee:
    """Plays episodes, one at a time; keeps the policies' processes between them.

    All is for one thread but ``stop``.

    Args:
        means: What policies run on.
        patience: How long to wait.

    Attributes:
        machine: Where it plays (``Machine.name``).
    """

    def __init__(self, means: Means, patience: Patience) -> None:
        self._means, self._patience = means, patience
        self.machine = this_machine().name
        self._box: Letters = Mailbox()
        self._policies: dict[str, tuple[Child, Card]] = {}
        self._number = 0
        self._stopped = False

    def open(self) -> None:
        """It is ready as it is."""

    def stop(self) -> None:
        """Have ``play`` raise ``Stopped``.  From any thread."""
        self._stopped = True
        self._box.put((None, None))

    def enter(self, entry: Entry) -> Card:
        """Load a policy, unless it is there; what it says of itself.

        Raises:
            EntryError: It cannot be loaded.
        """
        if entry.built_in:
            return CARDS[entry.kind]
        if entry.name in self._policies:
            return self._policies[entry.name][1]
        child = Child(POLICY, self._box)
        try:
            card = self._loaded(entry, child)
        except BaseException:
            child.close(0.0)
            raise
        self._policies[entry.name] = (child, card)
        return card

    def play(self, job: Job, entry: Entry) -> tuple[dict[str, Any], Any]:
        """Play an episode.

        Returns:
            How it went (``episode``), and what was pressed, ``steps x 20``; None where that is
            not known.

        Raises:
            RunFailed: The machine failed.
            Stopped: ``stop`` was called.
        """
        began = time.perf_counter()
        try:
            self.enter(entry)
        except EntryError as error:
            how = LATE if isinstance(error, _LoadedLate) else CRASHED
            return nothing(how, error.line(), began), None
        episode = Child(EPISODE, self._box)
        closed = False
        try:
            episode.send(job.plain())
            done, trace = self._referee(episode, entry, began)
            closed = episode.close(END_S)
            return done, trace
        finally:
            if not closed:
                episode.close(END_S if self._stopped else 0.0)
                heal_all()  # of a game with a window: what is frozen or was made for it

    def close(self) -> None:
        """End all policies."""
        policies, self._policies = self._policies, {}
        for child, _ in policies.values():
            child.close(1.0)

    def _loaded(self, entry: Entry, child: Child) -> Card:
        child.send({"open": asdict(entry), "means": asdict(self._means)})
        until = time.monotonic() + self._patience.load
        while True:
            try:
                who, said = self._hear(until)
            except queue.Empty:
                raise _LoadedLate(
                    f"{entry.name} was not loaded after {self._patience.load:g} s",
                    "--load-timeout waits longer",
                ) from None
            if who is not child:
                continue
            if said is None:
                raise EntryError(f"{entry.name} crashed while it was loaded; {child.obituary()}")
            if "error" in said:
                error = EntryError(str(said["error"]["message"]), str(said["error"]["hint"]))
                raise error
            try:
                return Card.read(said["card"])
            except (KeyError, TypeError) as error:
                raise EntryError(f"{entry.name} does not say what it is") from error

    def _referee(self, episode: Child, entry: Entry, began: float) -> tuple[dict[str, Any], Any]:
        game_until = time.monotonic() + self._patience.game
        late_at: float | None = None
        while True:
            until = game_until if late_at is None else min(game_until, late_at)
            try:
                who, said = self._hear(until)
            except queue.Empty:
                if late_at is not None and time.monotonic() >= late_at:
                    self._drop(entry)
                    text = f"no answer after {self._patience.decide:g} s"
                    self._blame(episode, LATE, text, "--policy-timeout waits longer")
                    late_at = None
                    continue
                text = f"the game gave no sign of life for {self._patience.game:g} s"
                return nothing(GAME_HUNG, text, began), None
            if who is episode:
                game_until = time.monotonic() + self._patience.game
                if said is None:
                    return nothing(GAME_CRASHED, episode.obituary(), began), None
                if "done" in said:
                    return said["done"], said.get("trace")
                if "broken" in said:
                    raise RunFailed(said["broken"]["message"], said["broken"]["hint"])
                if "ask" in said:
                    late_at = self._pass_on(episode, entry, said["ask"])
            elif self._is_of(who, entry):
                if said is None:
                    assert who is not None
                    self._blame(episode, CRASHED, who.obituary())
                    self._drop(entry)
                    late_at = None
                elif said.get("number") == self._number:
                    late_at = None
                    episode.send(said)

    def _pass_on(self, episode: Child, entry: Entry, question: dict[str, Any]) -> float | None:
        """Ask the policy; when its answer is late."""
        if entry.name not in self._policies:
            self._blame(episode, CRASHED, "its process is gone")
            return None
        self._number += 1
        self._policies[entry.name][0].send({**question, "number": self._number})
        return time.monotonic() + self._patience.decide

    def _hear(self, until: float) -> tuple[Child | None, dict[str, Any] | None]:
        letter = self._box.get(until - time.monotonic())
        if self._stopped:
            raise Stopped
        return letter

    def _is_of(self, who: Child | None, entry: Entry) -> bool:
        return entry.name in self._policies and self._policies[entry.name][0] is who

    def _drop(self, entry: Entry) -> None:
        """End a policy's process; the next episode loads it again."""
        child, _ = self._policies.pop(entry.name)
        child.close(0.0)

    @staticmethod
    def _blame(episode: Child, how: str, text: str, hint: str = "") -> None:
        """Tell the episode that its policy has failed."""
        episode.send({"error": {"how": how, "message": text, "hint": hint}})


class _LoadedLate(EntryError):
    """It was not loaded in time."""
