"""``nitropilot benchmark run``."""

from __future__ import annotations

import signal
import time
from contextlib import nullcontext, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nitropilot.places import spelled
from nitropilot.policy.euler import parse_steps
from nitropilot.policy.naming import DEFAULT
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_error,
    print_json,
    print_table,
)
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.host.signals import ending_signals
from nitropilot.server.store.paths import data_folder, new_session_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.runner.places.place import Places
    from nitropilot.simulator.benchmark.runner.running import Told
    from nitropilot.simulator.benchmark.runner.wishes import Wish


class Track(StrEnum):
    """What game time does while a policy decides."""

    PAUSED = "paused"
    REALTIME = "realtime"
    LOCKSTEP = "lockstep"


EPISODES = 10
SeedsOption = Annotated[str | None, typer.Option(help="In place of the first N: 0-9, or 1,5,7.")]
OutOption = Annotated[
    Path | None, typer.Option(help="The result's folder; that of the same run is gone on with.")
]
VideoOption = Annotated[bool, typer.Option("--video", help="A video of every episode.")]


def run(
    suite: Annotated[str, typer.Option(help="arcade or free10.")] = "arcade",
    game: Annotated[list[str] | None, typer.Option(help="Only this game; repeatable.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; repeatable.")] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Who plays: {DEFAULT} (the default), idle, random, expert, a checkpoint, "
            "what was pulled (nvidia/NitroGen), random:tiny, ws://HOST:PORT, FILE.py:function or "
            "package.module:function; repeatable."
        ),
    ] = None,
    track: Annotated[
        Track, typer.Option(help="What game time does while a policy decides.")
    ] = Track.PAUSED,
    episodes: Annotated[
        int | None, typer.Option(min=1, help=f"Episodes a task; default {EPISODES}.")
    ] = None,
    seeds: SeedsOption = None,
    out: OutOption = None,
    video: VideoOption = False,
    digest: Annotated[
        bool, typer.Option("--digest", help="Digest every picture, to compare runs by.")
    ] = False,
    window: Annotated[
        bool,
        typer.Option("--window", help="The arcade in windows, each on a private display (Linux)."),
    ] = False,
    actions_per_chunk: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Actions of an answer that are played before the next; default: as the "
            "policy says, or all.",
        ),
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            help="Euler steps of checkpoints, or auto: those that were measured to play best and "
            "are ready in time here; default: as each says."
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine to run checkpoints on.")] = "auto",
    device: Annotated[str, typer.Option(help="Where they run.")] = "auto",
    precision: Annotated[str, typer.Option(help="In what numbers.")] = "auto",
    server_token: Annotated[
        str,
        typer.Option(envvar="NITROPILOT_SERVER_TOKEN", help="What policy servers ask for."),
    ] = "",
    policy_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a policy may take for an answer.")
    ] = 60.0,
    load_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a policy may take to be loaded.")
    ] = 900.0,
    game_timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a game may give no sign of life.")
    ] = 180.0,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Episodes at a time; default: as the cores allow."),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Play on the machines of a Ray cluster: HOST:PORT of its head; or local, on this "
            "one by way of Ray."
        ),
    ] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Play tasks with policies, and write down how it went.

    Exit status 1 when a game failed so often that an episode is missing.
    """
    from nitropilot.simulator.benchmark.policies.opening import Means
    from nitropilot.simulator.benchmark.runner.errors import BadRun
    from nitropilot.simulator.benchmark.runner.referee import Patience
    from nitropilot.simulator.benchmark.runner.suites import choose_tasks
    from nitropilot.simulator.benchmark.runner.wishes import Wish, parse_seeds

    if episodes is not None and seeds is not None:
        raise BadRun("both --episodes and --seeds are given", "leave one of them out")
    tasks = choose_tasks(suite, game or (), task or ())
    wish = Wish(
        tasks=tuple(tasks),
        entries=tuple(map(entered, policy or [DEFAULT])),
        seeds=tuple(range(episodes or EPISODES)) if seeds is None else parse_seeds(seeds),
        track=str(track),
        chunk=actions_per_chunk,
        means=Means(
            engine,
            device,
            precision,
            server_token,
            steps=None if steps is None else parse_steps(steps),
            actions=actions_per_chunk,
            realtime=track is Track.REALTIME,
        ),
        video=video,
        digest=digest,
        window=window,
        jobs=jobs,
        patience=Patience(load_timeout, policy_timeout, game_timeout),
    )
    play_wish(wish, out, as_json=as_json, ray=ray)


def entered(text: str) -> Entry:
    """What ``--policy`` names; a repository of the hub stands for what was pulled of it.

    Raises:
        UnknownPolicy: It names nothing that can enter, or nothing of the repository is here.
    """
    from nitropilot.server.jobs.hub import NAME
    from nitropilot.server.store.policies import SUFFIXES, models_folder, pulled
    from nitropilot.server.store.settings_store import SettingsStore
    from nitropilot.simulator.benchmark.policies.errors import UnknownPolicy
    from nitropilot.simulator.benchmark.policies.naming import Entry, parse_entry

    path = Path(text)
    if not NAME.fullmatch(text) or path.suffix in SUFFIXES or spelled(text).exists():
        return parse_entry(text)
    found = pulled(text, models_folder(SettingsStore().current))
    if found is None:
        raise UnknownPolicy(
            f"the weights of {text} are not here",
            f"fetch them with `nitropilot policies pull {text}`, or name a file that has them",
        )
    return Entry(text, "checkpoint", str(found))


def play_wish(wish: Wish, out: Path | None, *, as_json: bool, ray: str | None = None) -> None:
    """Play it, and print what came of it; exit 1 when an episode is missing.

    Args:
        wish: What.
        out: The result's folder; None: a new one.
        as_json: Whether programs read it.
        ray: The Ray cluster to play on; None: this machine.
    """
    from nitropilot.simulator.benchmark.reports.summary import summary
    from nitropilot.simulator.benchmark.runner.places.cluster import ray_places

    for number in ending_signals():
        signal.signal(number, _interrupt)
    with nullcontext() if ray is None else ray_places(ray, wish) as places:
        folder = _played(wish, out, places)
    found = summary(folder)
    if as_json:
        print_json(found)
    else:
        _print(found)
    _complain(wish, found)


def _played(wish: Wish, out: Path | None, places: Places | None) -> Path:
    """Play it; the result's folder."""
    from nitropilot.simulator.benchmark.runner.running import run as play

    folder = new_session_folder(data_folder() / "benchmarks") if out is None else spelled(out)
    try:
        with progress_bar(reports=True) as bar:
            bar("loading the policies", 0.0)
            lines = ProgressLines()

            def tell(told: Told) -> None:
                bar(lines.line(told), told.done / told.asked)

            play(wish, folder, tell, places)
    except BaseException:
        if out is None:
            with suppress(OSError):  # a result that was not begun leaves no folder
                folder.rmdir()
        raise
    return folder


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


class ProgressLines:
    """What is said after each episode: how it ended, and how long the others will take.

    Args:
        clock: Seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._told = 0

    def line(self, told: Told) -> str:
        """Of one episode that is over."""
        record, seconds = told.record, self._clock() - self._began
        self._told += not record.void
        line = (
            f"{told.done} of {told.asked} played: {record.task} by {record.policy}, seed "
            f"{record.seed}, ended: {record.end} ({record.game_seconds:.1f} s of game time); "
            f"{_spelled(seconds)} so far"
        )
        if record.void:
            return f"{line}; it counts for nothing and is played again"
        left = told.asked - told.done
        return f"{line}, about {_spelled(seconds / self._told * left)} to go" if left else line


def _spelled(seconds: float) -> str:
    """Such as 1:05 h, 3:20 min or 12 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    big, small = divmod(whole, 60) if whole < 3600 else divmod(whole // 60, 60)
    return f"{big}:{small:02d} {'min' if whole < 3600 else 'h'}"


def _print(found: dict[str, Any]) -> None:
    rows = [
        (
            row["task"], row["policy"], row["episodes"], row["successes"],
            f"{row['low']:.2f} to {row['high']:.2f}",
            "-" if row["progress"] is None else f"{row['progress']:.2f}",
        )
        for row in found["tasks"]
    ]  # fmt: skip
    columns = ("task", "policy", "episodes", "won", "95 %", "progress")
    print_table(f"Result ({found['result']})", columns, rows)


def _complain(wish: Wish, found: dict[str, Any]) -> None:
    """Say what is missing; exit 1 then."""
    asked = len(wish.tasks) * len(wish.entries) * len(wish.seeds)
    missing = asked - found["summary"]["episodes"]
    if missing:
        print_error(
            f"{missing} of {asked} episodes are missing: their game failed each time, or its "
            f"machine; {found['result']} says how"
        )
        raise typer.Exit(EXIT_FAILED)
