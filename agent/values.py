"""Plain values that the parts of a session hand to each other."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from nitropilot.capture import Frame, Window
    from nitropilot.controller.state import GamepadState
    from nitropilot.engines.base import ActionChunk, EngineInfo, PolicySpec, Request

_stretches = itertools.count(1)


def new_stretch() -> int:
    """A number that no stretch of play had before, in whichever loop."""
    return next(_stretches)


RestartState = Literal["pending", "begun", "cancelled", "given_up"]


@dataclass(frozen=True)
class PadSample:
    """A state of the pad, and when it was so.

    Attributes:
        state: The pad's state.
        sent: When, in seconds of ``time.perf_counter``; now, if nothing is given.
        began: When it began to be sent: between the two nobody knows which state a picture shows.
        source: Whose it was: ``agent``, ``human``, or ``none`` when there was nothing to send.
        chunk: Number of the policy's chunk, from 0; -1 for none.
        action: Number of the action in it.
        text: The caption, in place of the usual one.
        stretch: Of play (``new_stretch``); in one, samples of successive ticks leave none out.
        tick: In that stretch.
    """

    state: GamepadState
    sent: float = field(default_factory=time.perf_counter)
    source: str = "agent"
    chunk: int = -1
    action: int = -1
    text: str = ""
    stretch: int = 0
    tick: int = 0
    began: float | None = None

    @property
    def since(self) -> float:
        """From when on a game may have seen it."""
        return self.sent if self.began is None else self.began

    def follows(self, before: PadSample) -> bool:
        """Whether this is of the tick right after that of ``before``."""
        return (self.stretch, self.tick) == (before.stretch, before.tick + 1)

    @property
    def caption(self) -> str:
        """What stands in the picture."""
        if self.text or self.source == "human":
            return self.text
        numbers = f"chunk {self.chunk + 1}  action {self.action + 1}"
        return numbers if self.chunk >= 0 else "no action"


@dataclass(frozen=True, eq=False)
class Decision:
    """A chunk and what it was made from.

    Attributes:
        frame: The picture.
        chunk: The actions.
        seconds: Time from picture to actions.
        request: What the engine was asked.
    """

    frame: Frame
    chunk: ActionChunk
    seconds: float
    request: Request


@dataclass
class ChunkRow:
    """What becomes of one chunk, until it is a line of the trace.

    Attributes:
        number: Of the chunk, from 0.
        decision: The chunk and its frame.
        seconds: Times of the parts.
        frozen: When the freeze began (``time.perf_counter``); None without one.
        moments: More times for the line, by name.
        facts: More for the line.
        rows: Which of its actions were played.
        due: When each action played was due.
        sent: When it was sent.
        states: What was sent.
    """

    number: int
    decision: Decision
    seconds: Mapping[str, float]
    frozen: float | None = None
    moments: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)
    due: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    states: list[GamepadState] = field(default_factory=list)


@dataclass(frozen=True)
class End:
    """Why a session ended: a stable code, a line for people, and the fix if there is one."""

    code: str
    reason: str
    hint: str = ""


@dataclass(frozen=True)
class RecordingState:
    """How a session's recording goes.

    Attributes:
        enabled: Whether it records.
        id: The recording that is being made, or was made last; "" for none yet.
        frames: How many frames it has.
        repeated: How many of them show the picture of the one before.
        warning: Why the last one ended, when nobody asked for that; or "".
    """

    enabled: bool = False
    id: str = ""
    frames: int = 0
    repeated: int = 0
    warning: str = ""


@dataclass(frozen=True)
class Restart:
    """What becomes of a play whose session has failed.

    Attributes:
        state: ``pending``; then ``begun``, ``cancelled`` by people, or ``given_up``.
        due: When a pending one is to begin.
        session: Id of the session that goes on; or "".
        reason: Why none does; or "".
    """

    state: RestartState
    due: datetime | None = None
    session: str = ""
    reason: str = ""

    @property
    def pending(self) -> bool:
        """Whether a session may still begin by itself."""
        return self.state == "pending"


@dataclass(frozen=True, kw_only=True)
class SessionFacts:
    """What is known of a session at some time.

    Attributes:
        id: Its short random name.
        state: Where it is in its life (``agent.session.states``).
        created: When it was made.
        restart_of: Id of the session that failed and that this one replaces; or "".
        restart: Whether one replaces this one; None where there is no question of it.
        window: The game's window; None before there is a game, as with what follows.
        policy: What it plays with.
        unfamiliar: That this was not trained on the game, and what to do about it; or "".
        engine: What the policy runs on.
        pad: Name of the virtual pad.
        pad_reason: Why it is that kind of pad.
        mode: What the game does while the policy computes.
        mode_reason: Why.
        waiting_for: Why nothing is being played; or "".
        held_back: How often each control was held back.
        stats: Takes the figures of the play so far.  They are sorted out of hours of samples:
            that is for whoever looks, not for a thread that lets a game go.
        recording: How its recording goes.
        trace_warning: Why its trace, or what is kept beside it, is not all; or "".
        folder: Takes its files.
        end: Why it ended; None before that.
    """

    id: str
    state: str
    created: datetime
    restart_of: str
    restart: Restart | None
    window: Window | None
    policy: PolicySpec | None
    unfamiliar: str
    engine: EngineInfo | None
    pad: str | None
    pad_reason: str
    mode: str | None
    mode_reason: str
    waiting_for: str
    held_back: Mapping[str, int]
    stats: Callable[[], dict[str, float | int | None]]
    recording: RecordingState
    trace_warning: str
    folder: Path
    end: End | None
