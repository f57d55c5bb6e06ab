"""Let go of every session at once, from whatever thread asks."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from nitropilot.errors import NitroPilotError
from nitropilot.server.sessions.side_by_side import side_by_side

if TYPE_CHECKING:
    from nitropilot.agent import Session
    from nitropilot.server.schemas.sessions import Toggled
    from nitropilot.server.sessions.registry import SessionRegistry

log = logging.getLogger("nitropilot.panic")


class Panicked(NamedTuple):
    """What a panic did.

    Attributes:
        let_go: Ids of the sessions that played, were held by a human, or were attaching.
        trouble: What did not work.
    """

    let_go: list[str]
    trouble: list[str]


def panic(registry: SessionRegistry) -> Panicked:
    """Neutral pads, running games, autoplay off, for all sessions.

    Each session gets a thread: a game that is slow to run again must not keep another's
    buttons pressed.  Of sessions that have failed nothing goes on by itself.
    """
    done = Panicked([], [])

    def let_go(session: Session) -> None:
        try:
            if session.control.panic():
                done.let_go.append(session.id)
        except NitroPilotError as error:
            done.trouble.append(f"session {session.id}: {error.line()}")
            log.error("panic: session %s: %s", session.id, error.line())
        if (now := registry.steered(session.id)) is not session:  # it was begun again meanwhile
            let_go(now)

    held = [each for each in registry.all() if not each.state.ended or each.control.plays_on]
    side_by_side(held, let_go, "panic")
    return done


def toggle_all(registry: SessionRegistry) -> Toggled:
    """Pause every agent that plays; if none does, let all play that can.  What was done.

    An agent that is about to play again by itself plays.
    """
    playing = [session for session in registry.all() if session.control.plays_on]
    sessions = [
        session for session in registry.all()
        if not session.state.ended and not session.plan.people_only
    ]  # fmt: skip
    side_by_side(
        playing or sessions,
        lambda session: session.pause() if playing else session.play(),
        "toggle",
    )
    return "paused" if playing else "playing" if sessions else "no session"
