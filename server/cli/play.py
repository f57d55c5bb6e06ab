"""``nitropilot play``."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

import capture
from agent import (
    Mode,
    PlaySettings,
    Session,
    SessionPlan,
    SessionState,
    Target,
    open_game,
    parse_buttons,
)
from agent.errors import AgentError
from agent.fair_play import refuse_protected
from controller import KINDS
from engines import load_engine
from server.cli.output import (
    EXIT_ERROR,
    EXIT_FAILED,
    JsonOption,
    error_console,
    print_error,
    print_json,
    print_table,
    printable,
)
from server.paths import new_session_folder
from server.signals import ending_signals, in_another_thread
from server.views import session_model
from simulator.catalogue import find_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.recording import RecordingPlan

LOOK_EVERY_S = 0.2


def play(
    window: Annotated[
        str | None, typer.Option(help="Window handle, as `windows` lists it.")
    ] = None,
    pid: Annotated[int | None, typer.Option(min=1, help="Process id of the game.")] = None,
    process: Annotated[str | None, typer.Option(help="Executable, or a part of it.")] = None,
    launch: Annotated[str | None, typer.Option(help="A known game, or a command line.")] = None,
    policy: Annotated[
        str | None, typer.Option(help="Checkpoint, or random:tiny to try without one.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine to run the policy on.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, gpu or npu.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, float32, bfloat16, int8 or fp8.")] = "auto",
    server: Annotated[
        str, typer.Option(help="Policy server that decides, ws://HOST:PORT; it has its own policy.")
    ] = "",
    server_token: Annotated[
        str, typer.Option(envvar="NITROPILOT_SERVER_TOKEN", help="What the policy server asks for.")
    ] = "",
    pad: Annotated[str, typer.Option(help="auto, vgamepad or sdl.")] = "auto",
    mode: Annotated[
        Mode, typer.Option(help="Freeze the game while the policy thinks, or let it run on.")
    ] = Mode.AUTO,
    action_hz: Annotated[float, typer.Option(min=1, max=240, help="Actions a second.")] = 60.0,
    actions_per_chunk: Annotated[
        int | None, typer.Option(min=1, help="Play only the first actions of a chunk.")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(help="Menu button that may be pressed: start, back, guide.")
    ] = None,
    game: Annotated[str | None, typer.Option(help="Game name the policy knows.")] = None,
    cfg_scale: Annotated[float, typer.Option(min=0, help="Guidance; 1 is off.")] = 1.0,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the noise.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0, help="End after this long.")] = None,
    record: Annotated[bool, typer.Option(help="Record frames and actions for training.")] = False,
    draw: Annotated[bool, typer.Option(help="Write a video with the pad drawn on it.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for all that is written.")] = None,
    headless: Annotated[
        bool | None, typer.Option(help="With --launch: use a private display, or never.")
    ] = None,
    keep: Annotated[
        bool | None, typer.Option(help="With --launch: leave the game running at the end.")
    ] = None,
    display: Annotated[str | None, typer.Option(help="X display, such as :1.")] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Play a game, until Ctrl-C or the game's end."""
    if policy is None and not server and engine != "remote":
        raise AgentError(
            "no policy given",
            "name a checkpoint with --policy, random:tiny to try without one, or a --server",
        )
    if server and engine not in ("auto", "remote"):
        raise typer.BadParameter("a --server goes with no other engine", param_hint="--engine")
    if pad not in KINDS:
        raise typer.BadParameter(f"{pad!r} is not one of {', '.join(KINDS)}", param_hint="--pad")
    handle = capture.parse_handle(window) if window is not None else None
    recipe = find_recipe(launch) if launch is not None else None
    target = Target(handle, pid, process, recipe, headless, keep, display)
    # What is wrong with the choice should be said before a policy is loaded.
    if recipe is None:
        found = capture.find_window(handle=handle, pid=pid, process=process, display=display)
        refuse_protected(found.pid)
    settings = PlaySettings(
        action_hz, actions_per_chunk, parse_buttons(allow or ()), game, cfg_scale, seed, mode
    )
    plan = SessionPlan(
        open_game=lambda log: open_game(target, pad=pad, log=log),
        open_engine=partial(
            load_engine,
            policy or "",
            engine=engine,
            device=device,
            precision=precision,
            server=server,
            token=server_token,
        ),
        folder=new_session_folder(out),
        settings=settings,
        record=draw,
        recording=_recording(out) if record else None,
    )
    session = Session(plan)
    run_session(session, seconds)
    report(session, {}, as_json)


def _recording(out: Path | None) -> RecordingPlan:
    """Record from the start, where the daemon's recordings are or where the user says."""
    from server.recordings import RecordingStore
    from server.settings_store import SettingsStore

    settings = SettingsStore().current
    plan = RecordingStore(lambda: settings).plan(at_once=True)
    return plan if out is None else replace(plan, root=out / "recordings")


def run_session(session: Session, seconds: float | None) -> None:
    """Run a session in front of the user until it ends, a signal comes, or time is up."""

    def end(number: int) -> None:
        session.stop(f"ended by {signal.Signals(number).name}")

    handler = in_another_thread(end)
    for number in ending_signals():
        signal.signal(number, handler)
    session.start()
    try:
        _watch(session, seconds)
    finally:
        session.stop("the command ended")
        session.wait()


def _watch(session: Session, seconds: float | None) -> None:
    """Show where the session is until it ends or has played for ``seconds``."""
    with error_console().status("starting") as status:
        while not session.wait(LOOK_EVERY_S):
            status.update(Text(printable(_one_line(session))))
            if seconds is not None and session.stats.playing_seconds >= seconds:
                session.stop(f"played for {seconds:g} s")


def _one_line(session: Session) -> str:
    if session.state is not SessionState.PLAYING:
        return str(session.state)
    waiting = session.loop.waiting_for if session.loop else ""
    stats = session.stats
    mode = f" ({session.mode.mode})" if session.mode else ""
    fresh = "" if stats.fresh_share is None else f", {stats.fresh_share:.0%} of ticks fresh"
    done = f"{stats.chunks} chunks, {stats.sent} actions{fresh}"
    return waiting or f"playing{mode}: {done}  (Ctrl-C ends)"


def report(session: Session, extra: dict[str, Any], as_json: bool) -> None:
    """Print what happened; exit 1 when the session failed while playing, 2 when it never began.

    The trace and the video are complete when this is called.
    """
    end = session.end
    assert end is not None
    if session.state is SessionState.FAILED:
        print_error(f"{end.reason}; {end.hint}" if end.hint else end.reason)
        if session.game is None:
            raise typer.Exit(EXIT_ERROR)
    facts = dict(_facts(session)) | extra
    if as_json:
        print_json(facts)
    else:
        print_table("Session", ("what", "value"), list(facts.items()))
    if session.state is SessionState.FAILED:
        sys.stdout.flush()
        raise typer.Exit(EXIT_FAILED)


def _facts(session: Session) -> Iterator[tuple[str, Any]]:
    model = session_model(session)
    yield "session", session.id
    yield "state", str(session.state)
    yield "reason", session.end.reason if session.end else ""
    yield "game", model.game.executable if model.game else None
    yield "policy", model.policy.name if model.policy else None
    yield "policy_random", model.policy.random if model.policy else None
    yield "engine", f"{model.engine.name} on {model.engine.device}" if model.engine else None
    yield "pad", model.pad.name if model.pad else None
    yield "mode", model.mode
    yield "mode_reason", model.mode_reason
    yield from session.stats.summary().items()
    yield "held_back", model.held_back
    yield "trace", str(session.trace_path) if session.trace_path.exists() else None
    recorded = session.recording.state
    place = session.plan.recording
    yield "recording", str(place.root / recorded.id) if place and recorded.id else None
    yield "recording_warning", recorded.warning
    video = session.video_path
    yield "video", str(video) if video and video.exists() else None
