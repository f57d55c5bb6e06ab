"""``nitropilot record``: a person plays, and what they see and press is kept, to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from nitropilot.agent import Session, SessionState
from nitropilot.agent.session.human import HumanPlay, HumanThread
from nitropilot.controller.human.reader import open_human_pads
from nitropilot.server.cli.play.play import recording_facts, refuse_the_game, report, run_session
from nitropilot.server.cli.terminal.output import EXIT_FAILED, print_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.server.cli.play.options import RecordOptions


def record(options: RecordOptions) -> None:
    """Record how you play a game with a pad of your own, until Ctrl-C or the game's end.

    No policy is loaded.  It begins with the first touch of your pad.
    """
    refuse_the_game(options.target(keep=options.keep, display=options.display))
    pads = open_human_pads()
    session = Session(options.plan())
    people = HumanThread(pads, HumanPlay(lambda: [session.control]))
    try:
        run_session(session, options.seconds, _one_line)
    finally:
        people.close()
    report(session, {}, options.as_json, _facts)
    if not session.recording.state.frames:
        print_error("nothing was recorded; no pad of yours was touched while the game ran")
        raise typer.Exit(EXIT_FAILED)


def _facts(session: Session) -> Iterator[tuple[str, Any]]:
    recorded = session.recording.state
    yield "session", session.id
    yield "state", str(session.state)
    yield "reason", session.end.reason if session.end else ""
    yield "game", session.game.window.executable if session.game else None
    yield "frames", recorded.frames
    yield "repeated", recorded.repeated
    yield "seconds", round(recorded.frames / (session.recording.hz or 1), 3)
    yield from recording_facts(session)


def _one_line(session: Session) -> str:
    if session.state is not SessionState.TAKEOVER:
        return str(session.state)
    waiting = session.loop.waiting_for if session.loop else ""
    frames = session.recording.state.frames
    done = f"recorded {frames} frames" if frames else "touch your pad, and recording begins"
    return waiting or f"you play: {done}  (Ctrl-C ends)"
