"""``nitropilot demo``: the whole loop on a real game, with figures at the end."""

from __future__ import annotations

import signal
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nitropilot.agent import Mode, Session, measure_effect
from nitropilot.agent.target.opening import press_opening
from nitropilot.controller.hand.leases import NO_EPOCH
from nitropilot.policy.naming import DEFAULT
from nitropilot.server.cli.play.options import PlayOptions
from nitropilot.server.cli.play.play import report, run_session
from nitropilot.server.cli.terminal.options import read_options
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_error,
    print_table,
)
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.host.signals import ending_signals
from nitropilot.simulator.games.known import KNOWN_GAMES
from nitropilot.simulator.games.recipes import installed

if TYPE_CHECKING:
    from nitropilot.agent import Game
    from nitropilot.server.cli.play.arcade import Level

ARCADE_VIDEO = "arcade.mp4"
EFFECT_TRIES = 3
"""A busy machine may still be loading the level, and enemies cut a walk short."""


def demo(
    seconds: Annotated[float, typer.Option(min=1, help="How long to play.")] = 20.0,
    policy: Annotated[str, typer.Option(help="Checkpoint to play with.")] = DEFAULT,
    game: Annotated[
        str | None, typer.Option(help="supertux or runner; default: the first that is installed.")
    ] = None,
    headless: Annotated[
        bool | None, typer.Option(help="Use a private display, or never; default: as needed.")
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="Freeze the game while the policy thinks, or let it run on.")
    ] = Mode.PAUSED,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise.")] = 0,
    arcade: Annotated[
        bool, typer.Option(help="Then play a level of each game of the arcade, in this process.")
    ] = True,
    out: Annotated[Path | None, typer.Option(help="Folder for trace and videos.")] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Play SuperTux (or, without it, a little game of our own), then the arcade; say how it went.

    The first shows the whole loop: window, capture, virtual pad. The second shows games that
    pocket, the policy that comes along, was trained on.
    """
    asked = {"launch": _game(game), "headless": headless, "keep": False, "policy": policy,
             "mode": mode, "seed": seed, "draw": True, "out": out}  # fmt: skip
    options = read_options(PlayOptions, asked)
    measured: dict[str, Any] = {"picture_changed_by_pad": None, "pad_effect": None}
    session = Session(options.plan(before_play=lambda running: _measure(running, measured)))
    run_session(session, seconds)
    levels: list[Level] = []
    try:
        if arcade and session.stats.playing_seconds >= seconds:  # nobody ended it before
            video = session.plan.folder / ARCADE_VIDEO
            levels = _play_arcade(session, video)
            measured["arcade"] = [asdict(level) for level in levels] if as_json else len(levels)
            measured["arcade_video"] = str(video)
    finally:  # what SuperTux gave is said, however the arcade ends
        report(session, measured, as_json)
    if levels and not as_json:
        _print_arcade(levels)
    if measured["picture_changed_by_pad"] is False:
        print_error("the pad did not move the picture; the game's output is beside the trace")
        raise typer.Exit(EXIT_FAILED)


def _play_arcade(session: Session, video: Path) -> list[Level]:
    """Levels of the arcade, by the policy of a session that is over."""
    from nitropilot.server.cli.play.arcade import play_arcade

    for number in ending_signals():
        signal.signal(number, _interrupt)
    with progress_bar() as tell, closing(session.plan.open_engine()) as engine:
        return play_arcade(engine, video, tell=tell)


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _print_arcade(levels: list[Level]) -> None:
    known = {True: "yes", False: "no", None: "not known"}
    rows = [
        (level.task, known[level.seen], level.end, f"{level.progress:.2f}", f"{level.seconds:.1f}")
        for level in levels
    ]
    title = "The arcade, in this process: no window, and the game stands while the policy decides"
    print_table(title, ("level", "trained on", "end", "progress", "seconds"), rows)


def _game(name: str | None) -> str:
    """The known game of that name, or the first that is installed."""
    if name is not None and name not in KNOWN_GAMES:
        known = ", ".join(sorted(KNOWN_GAMES))
        raise typer.BadParameter(f"{name!r} is not one of {known}", param_hint="--game")
    return name or ("supertux" if installed("supertux") else "runner")


def _measure(running: Game, measured: dict[str, Any]) -> None:
    """What the pad does to the picture, tried again while the game hides it."""
    for _ in range(EFFECT_TRIES):
        effect = measure_effect(running)
        measured.update(picture_changed_by_pad=effect.changed, pad_effect=effect.as_dict())
        epoch = running.controls.epoch
        if effect.changed or epoch == NO_EPOCH:  # or told to stop
            return
        press_opening(running, epoch)
