"""Observers: who is told what a session does, while it does it.

A session with an observer has an ``EventQueue``.  The threads that play put events into it, which
takes them a few microseconds and never waits; a thread of the queue's own hands them to the
observer.  An observer that raises is logged once and told the next event all the same; one that
is slow loses the oldest events and is told how many (``Missed``); one that never returns costs
one thread and nothing else.  A session without an observer has none of this.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from nitropilot.agent.pad.mapping import pad_states
from nitropilot.controller.state import NEUTRAL, GamepadState
from nitropilot.mailbox import Mailbox
from nitropilot.policy.actions import decode

if TYPE_CHECKING:
    from nitropilot.agent.values import SessionFacts
    from nitropilot.controller.state import Limits
    from nitropilot.engines.base import Array

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
        facts: The session as it is since then.
    """

    facts: SessionFacts


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
        limits: What the guard holds back.
        old_layout: How the channels are to be read.
    """

    number: int
    age: float
    inference: float
    parts: dict[str, float]
    late: int
    actions: Array
    limits: Limits
    old_layout: bool

    def pads(self) -> list[GamepadState]:
        """The pad states of all its actions, as the guard lets them through."""
        states = pad_states(decode(self.actions, old_layout=self.old_layout))
        return [self.limits.mask(state) for state in states]


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


class EventQueue:
    """Takes a session's events, from any thread; never waits and never raises.

    Args:
        session: Id of the session that they are of.
        observer: Who is told; None for nobody.

    Attributes:
        session: As given.
    """

    def __init__(self, session: str, observer: Observer | None) -> None:
        self.session = session
        self._observer = observer
        self._waiting: Mailbox[Event | None] = Mailbox()
        self._lock = threading.Lock()
        self._missed = 0
        self._thread: threading.Thread | None = None
        self._complained = False

    @property
    def observed(self) -> bool:
        """Whether there is somebody to make events for."""
        return self._observer is not None

    def put(self, event: Event) -> None:
        """Have the observer told, if there is one."""
        if self._observer is None or (self._thread is None and not self._begin()):
            return
        if len(self._waiting) >= MAX_WAITING:
            self._forget_oldest()
        self._waiting.put(event)

    def pad(
        self,
        state: GamepadState,
        chunk: int | None = None,
        action: int | None = None,
        late: float | None = None,
        source: Source = "agent",
    ) -> None:
        """A state was sent to the pad, or a human's was read."""
        if self.observed:
            self.put(
                PadMoved(
                    session=self.session, state=state, source=source, chunk=chunk, action=action,
                    late=late,
                )
            )  # fmt: skip

    def released(self) -> None:
        """The pad was made neutral, whoever asked for it."""
        self.pad(NEUTRAL)

    def warn(self, message: str, hint: str = "") -> None:
        """Something that people should know."""
        if self.observed:
            self.put(Warned(session=self.session, message=message, hint=hint))

    def close(self) -> None:
        """Nothing more is put; the observer is still told what was."""
        if self.observed:
            self._observer = None
            self._waiting.put(None)

    def _begin(self) -> bool:
        """Start the thread that tells the observer; whether that was possible."""
        observer = self._observer
        with self._lock:
            if self._thread is None and observer is not None:
                thread = threading.Thread(
                    target=self._tell, args=(observer,), daemon=True,
                    name=f"nitropilot-observer-{self.session}",
                )  # fmt: skip
                try:
                    thread.start()
                except RuntimeError as error:  # the system has no thread left: play on
                    log.warning("session %s goes unobserved: %s", self.session, error)
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
                self._tell_one(observer, Missed(session=self.session, count=missed))
            self._tell_one(observer, event)

    def _tell_one(self, observer: Observer, event: Event) -> None:
        try:
            observer.happened(event)
        except Exception:  # the observer's mistake must not end the observing, nor fill the log
            if not self._complained:
                self._complained = True
                log.exception("session %s: an observer failed", self.session)
