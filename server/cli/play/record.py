"""``nitropilot record``: a person plays, and what they see and press is kept, to train on."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import typer

from nitropilot.agent import Session, SessionState
from nitropilot.agent.session.human import HumanPlay, HumanThread
from nitropilot.controller.human.reader import open_human_pads
from nitropilot.errors import NitroPilotError
from nitropilot.server.cli.play.play import recording_facts, refuse_the_game, report, run_session
from nitropilot.server.cli.terminal.output import EXIT_FAILED, print_error, print_json, print_note
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.host.signals import ending_signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.server.cli.play.options import RecordOptions

FOR_PEOPLE = ("window", "pid", "process", "launch", "headless", "keep", "display", "seconds")
FOR_EXPERTS = ("minutes", "noise", "seed")


def record(options: RecordOptions) -> None:
    """Record how you play a game with a pad of your own, until Ctrl-C or the game's end.

    No policy is loaded.  It begins with the first touch of your pad.  With --expert a game's own
    script plays instead, level after level, without a window and faster than the game runs.
    """
    if options.expert:
        _record_expert(options)
        return
    _refuse_strays(options, FOR_EXPERTS, "is for --expert alone", "say which game, or leave it out")
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


def _refuse_strays(options: RecordOptions, names: tuple[str, ...], why: str, hint: str) -> None:
    for name in names:
        if getattr(options, name) != type(options).model_fields[name].default:
            raise NitroPilotError(f"--{name.replace('_', '-')} {why}", hint)


def _record_expert(options: RecordOptions) -> None:
    """Ctrl-C leaves what is recorded, and the level that is played out."""
    from nitropilot.simulator.demonstrations.recording import demonstrate

    _refuse_strays(options, (*FOR_PEOPLE, "action_hz"), "is not for --expert", "leave it out")
    root, stopped = options.recordings(), threading.Event()
    before = {one: signal.signal(one, lambda *_: stopped.set()) for one in ending_signals()}
    try:
        with progress_bar() as bar:
            made = demonstrate(
                options.expert, options.minutes, root, seed=options.seed, noisy=options.noise,
                tell=lambda done: bar(f"recording {options.expert}", done),
                stopping=stopped.is_set,
            )  # fmt: skip
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    facts = {
        "game": options.expert, "folder": str(root), "recordings": [p.name for p in made.folders],
        "minutes": round(made.ticks / 3600, 3), "foreign": made.foreign, "lost": made.lost,
    }  # fmt: skip
    if options.as_json:
        print_json(facts)
    elif made.folders:
        print_note(
            f"levels recorded: {len(made.folders)}, with {facts['minutes']} minutes of play, in "
            f"{root}; lost and left out: {made.lost}"
        )
    if not made.folders:
        print_error("nothing was recorded: it was ended before the first level was won")
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
