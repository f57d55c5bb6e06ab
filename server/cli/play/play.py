"""``nitropilot play``."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from nitropilot import capture
from nitropilot.agent import Session, SessionState
from nitropilot.agent.fair_play.judging import refuse_protected
from nitropilot.agent.target.launch import refuse_launch
from nitropilot.controller import KINDS
from nitropilot.server.cli.terminal.output import (
    EXIT_ERROR,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    print_error,
    print_json,
    print_note,
    print_table,
    printable,
)
from nitropilot.server.host.logs import error_console
from nitropilot.server.host.signals import ending_signals, in_another_thread
from nitropilot.server.host.switching import switch_often
from nitropilot.server.schemas.views import session_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.agent import Target
    from nitropilot.server.cli.play.options import PlayOptions

    Facts = Callable[[Session], Iterator[tuple[str, Any]]]

LOOK_EVERY_S = 0.2


def play(options: PlayOptions) -> None:
    """Play a game, until Ctrl-C or the game's end."""
    _refuse_odd_choices(options)
    refuse_the_game(options.target(keep=options.keep, display=options.display))
    session = Session(options.plan())
    run_session(session, options.seconds)
    report(session, {}, options.as_json)


def _refuse_odd_choices(options: PlayOptions) -> None:
    """Say what does not go together."""
    if options.server and options.engine not in ("auto", "remote"):
        raise typer.BadParameter("a --server goes with no other engine", param_hint="--engine")
    if options.pad not in KINDS:
        raise typer.BadParameter(
            f"{options.pad!r} is not one of {', '.join(KINDS)}", param_hint="--pad"
        )


def refuse_the_game(target: Target) -> None:
    """Say what is wrong with the choice of the game, before anything is loaded."""
    if target.launch is None:
        found = capture.find_window(
            handle=target.window, pid=target.pid, process=target.process, display=target.display
        )
        refuse_protected(found.pid)
    else:
        refuse_launch(target.launch, target.display, target.headless)


def run_session(
    session: Session, seconds: float | None, line: Callable[[Session], str] | None = None
) -> None:
    """Run a session in front of the user until it ends, a signal comes, or time is up.

    Args:
        session: Which.
        seconds: How long it may play, or be played.
        line: What is shown meanwhile.
    """

    def end(number: int) -> None:
        session.stop(f"ended by {signal.Signals(number).name}")

    handler = in_another_thread(end)
    for number in ending_signals():
        signal.signal(number, handler)
    switch_often()
    session.start()
    try:
        _watch(session, seconds, line or _one_line)
    finally:
        session.stop("the command ended")
        session.wait()


def _watch(session: Session, seconds: float | None, line: Callable[[Session], str]) -> None:
    """Show where the session is until it ends or has played for ``seconds``."""
    since: float | None = None
    said = False
    with error_console().status("starting") as status:
        while not session.wait(LOOK_EVERY_S):
            status.update(Text(printable(line(session))))
            said = said or _say_unfamiliar(session)
            played = session.stats.playing_seconds
            if session.plan.people_only and session.state is SessionState.TAKEOVER:
                since = since or time.monotonic()
                played = time.monotonic() - since
            if seconds is not None and played >= seconds:
                session.stop(f"played for {seconds:g} s")


def _say_unfamiliar(session: Session) -> bool:
    """Say that the policy was not trained on this game, if so; whether it was said."""
    text = session.facts().unfamiliar
    if text:
        print_note(text)
    return bool(text)


def _one_line(session: Session) -> str:
    if session.state is not SessionState.PLAYING:
        return str(session.state)
    waiting = session.loop.waiting_for if session.loop else ""
    stats = session.stats
    mode = f" ({session.mode.mode})" if session.mode else ""
    fresh = "" if stats.fresh_share is None else f", {stats.fresh_share:.0%} of ticks fresh"
    done = f"{stats.chunks} chunks, {stats.sent} actions{fresh}"
    return waiting or f"playing{mode}: {done}  (Ctrl-C ends)"


def report(
    session: Session, extra: dict[str, Any], as_json: bool, facts_of: Facts | None = None
) -> None:
    """Print what happened; exit 1 when the session failed while playing, or did not write all
    that it was to write; 2 when it never began, 130 when it was stopped before that.

    The trace and the video are complete when this is called.

    Args:
        session: Which; it is over.
        extra: More to print.
        as_json: As one object.
        facts_of: What there is to say of it; by default what there is to say of a play.
    """
    end = session.end
    assert end is not None
    if session.state is SessionState.FAILED:
        print_error(f"{end.reason}; {end.hint}" if end.hint else end.reason)
        if session.game is None:
            raise typer.Exit(EXIT_ERROR)
    facts = dict((facts_of or _facts)(session)) | extra
    if as_json:
        print_json(facts)
    else:
        print_table("Session", ("what", "value"), list(facts.items()))
    missing = list(_missing(session))
    for what in missing:
        print_error(what)
    if missing or session.state is SessionState.FAILED:
        sys.stdout.flush()
        raise typer.Exit(EXIT_FAILED)
    if session.game is None:  # told to stop before it had one
        raise typer.Exit(EXIT_INTERRUPTED)


def _missing(session: Session) -> Iterator[str]:
    """What the session was to write and has not, or not all of it."""
    if session.files.trace_warning:
        yield session.files.trace_warning
    if session.recording.state.warning:
        yield session.recording.state.warning
    if session.video_path is not None and session.loop and not session.video_path.exists():
        yield f"the video {session.video_path} is not complete"


def recording_facts(session: Session) -> Iterator[tuple[str, Any]]:
    """Where the recording is, and what became of it."""
    recorded = session.recording.state
    place = session.plan.recording
    folder = place.root / recorded.id if place and recorded.id else None
    yield "recording", str(folder) if folder and folder.exists() else None
    yield "recording_warning", recorded.warning


def _facts(session: Session) -> Iterator[tuple[str, Any]]:
    model = session_model(session)
    yield "session", session.id
    yield "state", str(session.state)
    yield "reason", session.end.reason if session.end else ""
    yield "game", model.game.executable if model.game else None
    yield "policy", model.policy.name if model.policy else None
    yield "policy_random", model.policy.random if model.policy else None
    yield "unfamiliar", model.unfamiliar
    yield "steps", model.policy.steps if model.policy else None
    yield "engine", f"{model.engine.name} on {model.engine.device}" if model.engine else None
    yield "engine_reason", model.engine.reason if model.engine else ""
    yield "pad", model.pad.name if model.pad else None
    yield "mode", model.mode
    yield "mode_reason", model.mode_reason
    yield from session.stats.summary().items()
    yield "held_back", model.held_back
    yield "trace", str(session.trace_path) if session.trace_path.exists() else None
    yield "trace_warning", model.trace_warning
    yield from recording_facts(session)
    video = session.video_path
    yield "video", str(video) if video and video.exists() else None
