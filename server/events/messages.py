"""What clients of the events send, read with distrust, and what they are sent.

Every message that is sent is made once, as text, for all clients that want it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import Button
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nitropilot.agent.events import ChunkReady, PadMoved
    from nitropilot.controller.state import GamepadState
    from nitropilot.server.schemas.models import SessionModel

PROTOCOL = 1
EVENTS = ("state", "pad", "chunk", "stats", "warning")
"""What can be listened to."""
ALWAYS = ("frame", "lost")
"""What comes anyway, to whom it concerns; naming it in ``events`` is no mistake."""
MIN_WIDTH, MAX_WIDTH, DEFAULT_WIDTH = 32, 640, 320
KEYS: dict[str, frozenset[str]] = {
    "identify": frozenset({"type", "protocol", "token", "events", "session"}),
    "subscribe": frozenset({"type", "events", "session"}),
    "frame": frozenset({"type", "session", "width"}),
}


class CloseCode(IntEnum):
    """Why a connection is closed; docs/events.md says whether to come back."""

    MISTAKE = 4000
    NOT_IDENTIFIED = 4001
    BAD_MESSAGE = 4002
    WRONG_TOKEN = 4003
    OTHER_PROTOCOL = 4004
    IDENTIFIED_TWICE = 4005
    NO_SUCH_EVENT = 4006
    TOO_FAST = 4007
    REVOKED = 4008
    TOO_MANY = 4009


class Closing(Exception):
    """The connection is to be closed.

    Args:
        code: With this code.
        reason: And these words, at most 123 bytes.
    """

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class Subscription:
    """What a client listens to.

    Attributes:
        events: Types of events.
        session: Of this session only; None for all.
    """

    events: tuple[str, ...] = EVENTS
    session: str | None = None

    def covers(self, kind: str, session: str | None) -> bool:
        """Whether an event is meant; those of no session are meant for everybody."""
        return kind in self.events and (
            session is None or self.session is None or session == self.session
        )


def read(text: str | None) -> dict[str, Any]:
    """A client's message: an object of a known type with known keys.

    Raises:
        Closing: It is something else.
    """
    try:
        message = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise Closing(CloseCode.BAD_MESSAGE, "a message is a JSON object in a text frame")
    kind = message.get("type")
    known = KEYS.get(kind) if isinstance(kind, str) else None
    if known is None:
        raise Closing(CloseCode.BAD_MESSAGE, f"type is one of {', '.join(KEYS)}")
    if not message.keys() <= known:
        raise Closing(CloseCode.BAD_MESSAGE, f"{kind} has no other keys than {_list(known)}")
    return message


def read_subscription(
    message: dict[str, Any], before: Subscription = Subscription()
) -> Subscription:
    """What a client wants to hear; what it does not say stays as it was.

    Raises:
        Closing: It names what does not exist.
    """
    events, session = message.get("events"), message.get("session", before.session)
    if events is None:
        events = list(before.events)
    known = (*EVENTS, *ALWAYS)
    if not isinstance(events, list) or not all(
        isinstance(name, str) and name in known for name in events
    ):
        raise Closing(CloseCode.NO_SUCH_EVENT, f"events is a list of {', '.join(EVENTS)}")
    if session is not None and not isinstance(session, str):
        raise Closing(CloseCode.NO_SUCH_EVENT, "session is the id of one, or null")
    return Subscription(tuple(dict.fromkeys(events)), session)


def read_frame(message: dict[str, Any]) -> tuple[str, int]:
    """Which session's picture a client wants, and how wide.

    Raises:
        Closing: It does not say, or wants one that is too small or too large.
    """
    session, width = message.get("session"), message.get("width", DEFAULT_WIDTH)
    if not isinstance(session, str):
        raise Closing(CloseCode.NO_SUCH_EVENT, "session is the id of one")
    if type(width) is not int or not MIN_WIDTH <= width <= MAX_WIDTH:
        raise Closing(CloseCode.BAD_MESSAGE, f"width is {MIN_WIDTH} to {MAX_WIDTH}")
    return session, width


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def encode(kind: str, **values: Any) -> str:
    """A message as text."""
    return json.dumps({"type": kind, **values}, separators=(",", ":"))


def event(kind: str, session: str | None, when: float | None = None, **values: Any) -> str:
    """An event as text."""
    return encode(kind, session=session, time=round(when or time.time(), 4), **values)


def hello(identified: bool) -> str:
    """The first message."""
    return encode("hello", protocol=PROTOCOL, version=__version__, identified=identified)


def ready(scope: str, subscription: Subscription, sessions: list[SessionModel]) -> str:
    """The answer to ``identify``."""
    models = [model.model_dump(mode="json") for model in sessions]
    return encode("ready", scope=scope, events=subscription.events, sessions=models)


def state(model: SessionModel, when: float) -> str:
    """A session as it is."""
    return event("state", model.id, when, data=model.model_dump(mode="json"))


def pad(moved: PadMoved) -> str:
    """What the pad was sent."""
    return event(
        "pad", moved.session, moved.time, source=moved.source, pad=pad_view(moved.state),
        chunk=moved.chunk, action=moved.action, late_ms=_ms(moved.late),
    )  # fmt: skip


def chunk(ready: ChunkReady) -> str:
    """A chunk and its timings."""
    return event(
        "chunk", ready.session, ready.time, number=ready.number, frame_age_ms=_ms(ready.age),
        inference_ms=_ms(ready.inference),
        parts_ms={name: _ms(seconds) for name, seconds in ready.parts.items()},
        actions=[pad_view(state) for state in ready.pads()], late=ready.late,
    )  # fmt: skip


def pad_view(state: GamepadState) -> dict[str, Any]:
    """A pad state as it is told."""
    return {
        "left": [round(state.left[0], 4), round(state.left[1], 4)],
        "right": [round(state.right[0], 4), round(state.right[1], 4)],
        "triggers": [round(state.left_trigger, 4), round(state.right_trigger, 4)],
        "buttons": _names(int(state.buttons)),
    }


@lru_cache(maxsize=1024)
def _names(flags: int) -> tuple[str, ...]:
    """The names of the buttons that are set."""
    return tuple(button.name.lower() for button in Button(flags) if button.name)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)
