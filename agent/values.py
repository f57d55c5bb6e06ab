"""Plain values that the parts of a session hand to each other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from capture import Frame
    from controller.state import GamepadState
    from engines.base import ActionChunk


@dataclass(frozen=True)
class PadSample:
    """A state of the pad, and when it was so.

    Attributes:
        state: The pad's state.
        sent: When, in seconds of ``time.perf_counter``; now, if nothing is given.
        source: Whose it was: ``agent``, ``human``, or ``none`` when there was nothing to send.
        chunk: Number of the policy's chunk, from 0; -1 for none.
        action: Number of the action in it.
        text: The caption, in place of the usual one.
    """

    state: GamepadState
    sent: float = field(default_factory=time.perf_counter)
    source: str = "agent"
    chunk: int = -1
    action: int = -1
    text: str = ""

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
    """

    frame: Frame
    chunk: ActionChunk
    seconds: float


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
    due: list[float] = field(default_factory=list)
    sent: list[float] = field(default_factory=list)
    states: list[GamepadState] = field(default_factory=list)


@dataclass(frozen=True)
class End:
    """Why a session ended: a stable code, a line for people, and the fix if there is one."""

    code: str
    reason: str
    hint: str = ""
