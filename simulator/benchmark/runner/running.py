"""``run``: plays what is wished for, several episodes at a time, and writes a result.

Each slot is a thread with a ``Place`` of its own: a ``Referee`` in this process, or one on another
machine (``places``); this thread alone writes down what was played.  A game's failure is written
down too, and a machine's that is lost, and the episode is played again, up to ``TRIES`` times; a
policy's failure is its own and stands.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nitropilot.mailbox import Mailbox
from nitropilot.simulator.benchmark.results.episode import (
    Attached,
    Delays,
    Disagreement,
    Ending,
    Freezes,
    Outcome,
)
from nitropilot.simulator.benchmark.results.files import VIDEOS, attached
from nitropilot.simulator.benchmark.results.writer import ResultWriter
from nitropilot.simulator.benchmark.runner.episode import Job
from nitropilot.simulator.benchmark.runner.errors import PlaceLost, RunFailed
from nitropilot.simulator.benchmark.runner.places.place import Here
from nitropilot.simulator.benchmark.runner.referee import Stopped, nothing
from nitropilot.simulator.environments.task_env import HZ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.simulator.benchmark.policies.card import Card
    from nitropilot.simulator.benchmark.results.episode import Key, Record
    from nitropilot.simulator.benchmark.results.reader import Planned
    from nitropilot.simulator.benchmark.results.run import Run
    from nitropilot.simulator.benchmark.runner.places.place import Place, Places
    from nitropilot.simulator.benchmark.runner.wishes import Wish

log = logging.getLogger("nitropilot.benchmark")

TRIES = 3
"""How often an episode is played whose game fails."""
LOOK_S = 0.5
LOST = "machine failed"
AGAIN = "see to it, and give the same command again: it goes on where it was"


class Told(NamedTuple):
    """How far a run is.

    Attributes:
        record: What was written last.
        done: Episodes that count, those of before included.
        asked: All that are asked for.
    """

    record: Record
    done: int
    asked: int


@dataclass(frozen=True)
class _Played:
    """An episode that is over: which, where, and what ``Place.play`` gave."""

    planned: Planned
    machine: str
    done: dict[str, Any]
    trace: Any = None


def run(
    wish: Wish,
    folder: Path,
    tell: Callable[[Told], None] = lambda _told: None,
    places: Places | None = None,
) -> Run:
    """Play it.

    Args:
        wish: What.
        folder: The result's; that of the same run is gone on with.
        tell: Told after each episode.
        places: Where; None: on this machine.

    Returns:
        The run, as the result has it.

    Raises:
        EntryError: A policy cannot be loaded; nothing has been played.
        ResultError: The folder cannot be written, or is of something else.
        RunFailed: The machine failed, or the last of several is lost; what is written stays.
    """
    places = Here(wish) if places is None else places
    first = places.place()
    try:
        first.open()
        cards = {entry.name: first.enter(entry) for entry in wish.entries}
        with ResultWriter(folder, wish.run(cards)) as writer:
            _Running(wish, cards, writer, (first, places), tell).run()
            return writer.run
    except PlaceLost as error:  # before anything was played
        raise RunFailed(str(error), AGAIN) from error
    finally:
        first.close()


class _Running:
    """One run, from what is missing to nothing."""

    def __init__(
        self,
        wish: Wish,
        cards: dict[str, Card],
        writer: ResultWriter,
        places: tuple[Place, Places],
        tell: Callable[[Told], None],
    ) -> None:
        self._wish, self._cards, self._writer, self._tell = wish, cards, writer, tell
        self._entries = {entry.name: entry for entry in wish.entries}
        missing = writer.missing()
        self._asked = len(wish.tasks) * len(wish.entries) * len(wish.seeds)
        self._done = self._asked - len(missing)
        self._tries: dict[Key, int] = {}
        self._todo: deque[Planned] = deque(missing)
        self._lock = threading.Lock()
        self._over: Mailbox[_Played | Exception] = Mailbox()
        self._owed = len(missing)
        self._ended = False
        first, more = places
        slots = max(min(more.at_once, len(missing)), 1)
        self._places = [first, *(more.place() for _ in range(slots - 1))]

    def run(self) -> None:
        """Until nothing is missing, or nothing can be done about it."""
        threads = [
            threading.Thread(target=self._slot, args=(place,), name="nitropilot-slot")
            for place in self._places
        ]
        for thread in threads:
            thread.start()
        try:
            while self._owed:
                try:
                    played = self._over.get(LOOK_S)
                except queue.Empty:
                    if not any(thread.is_alive() for thread in threads) and not len(self._over):
                        raise RunFailed("no machine is left to play on", AGAIN) from None
                    continue
                self._write(played)
        finally:
            self._ended = True
            for place in self._places:
                place.stop()
            for thread in threads:
                thread.join()

    def _write(self, played: _Played | Exception) -> None:
        if isinstance(played, Exception):
            raise played
        outcome = self._outcome(played)
        record = self._writer.add(outcome, played.trace)
        again = record.void and self._again(played.planned, record)
        self._done += not record.void
        self._owed -= not again
        self._tell(Told(record, self._done, self._asked))

    def _again(self, planned: Planned, record: Record) -> bool:
        """Play an episode once more whose game failed; False when that was the last time."""
        tries = self._tries[planned.key] = self._tries.get(planned.key, 1) + 1
        log.warning("%s: %s: %s", planned.key, record.end, record.error)
        if tries > TRIES:
            return False
        with self._lock:
            self._todo.appendleft(planned._replace(attempt=planned.attempt + 1))
        return True

    def _outcome(self, played: _Played) -> Outcome:
        planned, done = played.planned, played.done
        key, end = planned.key, Ending(done["end"])
        raw, normalised = done["scores"]
        return Outcome(
            **key._asdict(),
            attempt=planned.attempt,
            end=end,
            success=end is Ending.WON,
            progress=done["progress"],
            raw_score=raw,
            normalised_score=normalised,
            steps=done["steps"],
            game_seconds=done["steps"] / HZ,
            wall_seconds=done["wall_seconds"],
            facts=done["facts"],
            disagreements=tuple(Disagreement(**each) for each in done["disagreements"]),
            delays=Delays.of(done["seconds"], done["deadline_misses"]),
            freezes=Freezes(count=done["freezes"], seconds=done["frozen_seconds"]),
            frames=done["frames"],
            frames_digest=done["frames_digest"],
            video=self._video(planned, attach=done["video"]),
            machine=played.machine,
            error=done["error"],
        )

    def _video(self, planned: Planned, *, attach: bool) -> Attached | None:
        if not attach:
            return None
        return attached(self._writer.folder, self._video_path(planned))

    def _video_path(self, planned: Planned) -> Path:
        key = planned.key
        number = list(self._entries).index(key.policy)
        name = f"{key.suite}-{key.task}-p{number}-s{key.seed}-{planned.attempt}.mp4"
        return self._writer.folder / VIDEOS / name

    # What follows runs in the slots' threads.

    def _slot(self, place: Place) -> None:
        """Play what is to be played until nothing is, or somebody ends it, or the place is lost."""
        try:
            while not self._ended:
                place.open()
                with self._lock:
                    planned = self._todo.popleft() if self._todo else None
                if planned is None:
                    threading.Event().wait(LOOK_S / 5)  # another slot's game may fail yet
                    continue
                self._over.put(self._play(place, planned))
        except PlaceLost as error:
            log.warning("%s; the others play on", error)
        except Stopped:
            return
        except Exception as error:  # noqa: BLE001 - raised by the thread that writes
            self._over.put(error)
        finally:
            place.close()

    def _play(self, place: Place, planned: Planned) -> _Played:
        began = time.perf_counter()
        try:
            done, trace = place.play(self._job(planned), self._entries[planned.key.policy])
        except PlaceLost as error:
            log.warning("%s: %s", planned.key, error)
            done, trace = nothing(LOST, "its machine was lost while it was played", began), None
        return _Played(planned, place.machine, done, trace)

    def _job(self, planned: Planned) -> Job:
        key, card = planned.key, self._cards[planned.key.policy]
        return Job(
            key.suite,
            key.task,
            key.seed,
            self._wish.track,
            card.plain(),
            self._wish.played(card),
            str(self._video_path(planned)) if self._wish.video else "",
            self._wish.digest,
            self._wish.window,
        )
