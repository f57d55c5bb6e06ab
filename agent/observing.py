"""Observers: who is told what a session does, while it does it.

A session with an observer has a ``Watch``.  The threads that play leave events there, which
takes them a few microseconds and never waits; a thread of the watch's own hands them to the
observer.  An observer that raises is logged once and told the next event all the same; one that
is slow loses the oldest events and is told how many (``Missed``); one that never returns costs
one thread and nothing else.  A session without an observer has none of this.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from agent.mapping import pad_states
from controller.state import NEUTRAL, GamepadState
from policy.actions import decode

if TYPE_CHECKING:
    from agent.loop import PlayLoop
    from agent.session import Session
    from agent.trace import ChunkRow
    from controller.state import Button
    from engines.base import Array

log = logging.getLogger("nitropilot.session")

MAX_WAITING = 1024
"""Events that wait for an observer; 16 s of play at 60 Hz."""

Source = Literal["agent", "human"]


def _now() -> float:
    return time.time()


@dataclass(frozen=True, kw_only=True, eq=False)
class Event:
    """Something that a session did.

    Attributes:
        session: Its id.
        time: When, in seconds since 1970.
    """

    session: str
    time: float = field(default_factory=_now)


@dataclass(frozen=True, kw_only=True, eq=False)
class Changed(Event):
    """The session has another state, mode, or reason to wait, or has ended.

    Attributes:
        now: The session itself: what it is by the time that it is looked at.
    """

    now: Session


@dataclass(frozen=True, kw_only=True, eq=False)
class PadMoved(Event):
    """A state was sent to the pad, or a human's pad was read.

    Attributes:
        state: The pad's.
        source: Whose.
        chunk: Number of the chunk that it is of; None for rest.
        action: Which of its actions.
        late: Seconds between when it was due and when it was sent.
    """

    state: GamepadState
    source: Source = "agent"
    chunk: int | None = None
    action: int | None = None
    late: float | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class ChunkReady(Event):
    """A chunk was computed.

    Attributes:
        number: Of the chunk, from 0.
        age: Seconds from its frame to now.
        inference: Seconds that the policy took.
        parts: Seconds of its parts.
        late: How many of its actions were for times past.
        actions: ``T x A`` raw channels.
        masked: Buttons that the guard holds back.
        old_layout: How the channels are to be read.
    """

    number: int
    age: float
    inference: float
    parts: dict[str, float]
    late: int
    actions: Array
    masked: Button
    old_layout: bool

    def pads(self) -> list[GamepadState]:
        """The pad states of all its actions, as the guard lets them through."""
        states = pad_states(decode(self.actions, old_layout=self.old_layout))
        return [replace(state, buttons=state.buttons & ~self.masked) for state in states]


@dataclass(frozen=True, kw_only=True, eq=False)
class Warned(Event):
    """Something that people should know.

    Attributes:
        message: What.
        hint: What to do about it, or "".
    """

    message: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Missed(Event):
    """The observer was too slow: events before the next one were thrown away.

    Attributes:
        count: How many.
    """

    count: int


class Observer(Protocol):
    """Is told everything, in the order in which it happened, from a thread of each session."""

    def happened(self, event: Event) -> None:
        """Something has happened."""


class Watch:
    """Takes a session's events, from any thread; never waits and never raises.

    Args:
        session: Whose.
        observer: Who is told; None for nobody.
    """

    def __init__(self, session: Session, observer: Observer | None) -> None:
        self._session = session
        self._id = session.id
        self._observer = observer
        self._waiting: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._missed = 0
        self._thread: threading.Thread | None = None
        self._complained = False

    def changed(self) -> None:
        """The session has changed; nothing comes after a change that is its end."""
        if self._observer is None:
            return
        self._put(Changed(session=self._id, now=self._session))
        if self._session.state.ended:
            self._observer = None
            self._waiting.put(None)

    def pad(
        self,
        state: GamepadState,
        chunk: int | None = None,
        action: int | None = None,
        late: float | None = None,
        source: Source = "agent",
    ) -> None:
        """A state was sent to the pad, or a human's was read."""
        if self._observer is not None:
            self._put(
                PadMoved(
                    session=self._id, state=state, source=source, chunk=chunk, action=action,
                    late=late,
                )
            )  # fmt: skip

    def released(self) -> None:
        """The pad was made neutral, whoever asked for it."""
        self.pad(NEUTRAL)

    def chunk(self, loop: PlayLoop, row: ChunkRow, late: int = 0) -> None:
        """A chunk was computed, ``late`` of whose actions were for times past."""
        if self._observer is None:
            return
        decision = row.decision
        ready = row.moments.get("ready", time.perf_counter())
        self._put(
            ChunkReady(
                session=self._id,
                number=row.number,
                age=ready - decision.frame.time,
                inference=decision.seconds,
                parts=dict(row.seconds),
                late=late,
                actions=decision.chunk.actions,
                masked=loop.guard.masked_buttons,
                old_layout=loop.engine.spec.old_layout,
            )
        )

    def warn(self, message: str, hint: str = "") -> None:
        """Something that people should know."""
        if self._observer is not None:
            self._put(Warned(session=self._id, message=message, hint=hint))

    def _put(self, event: Event) -> None:
        if self._thread is None and not self._begin():
            return
        if self._waiting.qsize() >= MAX_WAITING:
            self._forget_oldest()
        self._waiting.put(event)

    def _begin(self) -> bool:
        """Start the thread that tells the observer; whether that was possible."""
        observer = self._observer
        with self._lock:
            if self._thread is None and observer is not None:
                thread = threading.Thread(
                    target=self._tell, args=(observer,), daemon=True,
                    name=f"nitropilot-observer-{self._id}",
                )  # fmt: skip
                try:
                    thread.start()
                except RuntimeError as error:  # the system has no thread left: play on
                    log.warning("session %s goes unobserved: %s", self._id, error)
                    self._observer = None
                    return False
                self._thread = thread
        return self._thread is not None

    def _forget_oldest(self) -> None:
        with self._lock:
            try:
                self._waiting.get_nowait()
            except queue.Empty:
                return
            self._missed += 1

    def _tell(self, observer: Observer) -> None:
        while (event := self._waiting.get()) is not None:
            with self._lock:
                missed, self._missed = self._missed, 0
            if missed:
                self._tell_one(observer, Missed(session=self._id, count=missed))
            self._tell_one(observer, event)

    def _tell_one(self, observer: Observer, event: Event) -> None:
        try:
            observer.happened(event)
        except Exception:  # the observer's mistake must not end the observing, nor fill the log
            if not self._complained:
                self._complained = True
                log.exception("session %s: an observer failed", self._id)
