"""The states of a session and the only ways between them.

    idle ──> attaching ──> playing <──> paused
                 │          │   ^         │ ^
                 │          v   │         v │
                 │        human takeover ───┘
                 └──────────> stopped | failed   (from every state before them)

A session that replaces a failed one goes from ``attaching`` to where that one was, which may be
a human's takeover.  ``paused`` is the player's own pause of the agent; the game runs then.
Freezing the game while the policy computes is part of ``playing``.
"""

from __future__ import annotations

from enum import StrEnum

from nitropilot.agent.errors import NotPossibleNow


class SessionState(StrEnum):
    """Where a session is in its life."""

    IDLE = "idle"
    ATTACHING = "attaching"
    PLAYING = "playing"
    PAUSED = "paused"
    TAKEOVER = "takeover"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing will happen any more."""
        return self in (SessionState.STOPPED, SessionState.FAILED)


_S = SessionState
_ENDS = {_S.STOPPED, _S.FAILED}
TRANSITIONS: dict[SessionState, set[SessionState]] = {
    _S.IDLE: {_S.ATTACHING} | _ENDS,
    _S.ATTACHING: {_S.PLAYING, _S.PAUSED, _S.TAKEOVER} | _ENDS,
    _S.PLAYING: {_S.PAUSED, _S.TAKEOVER} | _ENDS,
    _S.PAUSED: {_S.PLAYING, _S.TAKEOVER} | _ENDS,
    _S.TAKEOVER: {_S.PLAYING, _S.PAUSED} | _ENDS,
    _S.STOPPED: set(),
    _S.FAILED: set(),
}


def check_transition(old: SessionState, new: SessionState) -> None:
    """Raise ``NotPossibleNow`` unless a session may go from ``old`` to ``new``."""
    if new not in TRANSITIONS[old]:
        allowed = ", ".join(sorted(TRANSITIONS[old])) or "nothing, it has ended"
        raise NotPossibleNow(
            f"a session that is {old} cannot become {new}", f"possible now: {allowed}"
        )
