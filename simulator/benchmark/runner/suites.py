"""Suites: which tasks there are, what is known of them, and how each becomes an environment."""

from __future__ import annotations

import difflib
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.trials import measured
from nitropilot.simulator.benchmark.runner.errors import BadRun, UnknownSuite
from nitropilot.simulator.environments.errors import NotPlayable, UnknownTask
from nitropilot.simulator.games.known import KNOWN_GAMES
from nitropilot.simulator.games.proofs import proofs, rules_digest
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nitropilot.simulator.environments.task_env import TaskEnv
    from nitropilot.simulator.games.known import GameTask, KnownGame

TRACKS = ("paused", "realtime", "lockstep")


@dataclass(frozen=True)
class SuiteTask:
    """A task, as a suite lists it.

    Attributes:
        suite, game, task: Its names; a task's is of its own within the suite.
        category: What kind of game it is.
        tags: Perspective, layout and what else it is.
        goal: What has to be done, in words.
        seconds: Of game time, after which it is cut off.
        judge: What decides how it went, in words.
        game_version, judge_version: What its results are of.
        replay: Whether a pad trace of it plays the same again.
        open: Makes the environment, for a track.
        ready: Raises why the game cannot be played here, if it cannot.
        tracks: Those that it can be played in.
        own_window: Makes the same as a program with a window; None where there is no choice.
        verified_success: Share of wins of a known good player; None where nobody has measured.
        idle, random: The same for nobody at the pad, and for random play.
    """

    suite: str
    game: str
    task: str
    category: str
    tags: tuple[str, ...]
    goal: str
    seconds: float
    judge: str
    game_version: str
    judge_version: str
    replay: bool
    open: Callable[[str], TaskEnv]
    tracks: tuple[str, ...] = TRACKS
    own_window: Callable[[str], TaskEnv] | None = None
    ready: Callable[[], object] = lambda: None
    verified_success: float | None = None
    idle: float | None = None
    random: float | None = None

    def windowed(self) -> SuiteTask:
        """The same task, played in its window.

        Raises:
            BadRun: There is no choice.
        """
        if self.own_window is None:
            raise BadRun(f"{self.task} is played in its window anyway", "leave --window out for it")
        return replace(self, open=self.own_window, own_window=None, ready=window_ready)

    def listed(self) -> dict[str, Any]:
        """As ``benchmark list --json`` prints it."""
        return {
            "suite": self.suite, "game": self.game, "task": self.task, "category": self.category,
            "tags": list(self.tags), "time_limit_seconds": self.seconds, "judge": self.judge,
            "replay": self.replay, "verified_success": self.verified_success, "idle": self.idle,
            "random": self.random,
        }  # fmt: skip


def _arcade_env(task: str) -> Callable[[str], TaskEnv]:
    def make(_track: str) -> TaskEnv:
        from nitropilot.simulator.environments.arcade_env import ArcadeEnv

        return ArcadeEnv(task)

    return make


def _arcade_window(task: str) -> Callable[[str], TaskEnv]:
    def make(track: str) -> TaskEnv:
        from nitropilot.simulator.environments.arcade_window import ArcadeWindowEnv

        return ArcadeWindowEnv(task, track=track)

    return make


def window_ready() -> None:
    """Do nothing where programs can be launched with a pad and a clock of ours.

    Raises:
        NotPlayable: They cannot.
    """
    if sys.platform != "linux":
        raise NotPlayable(
            "the arcade's window needs the preloaded pad and clock, which are for Linux",
            "leave --window out: in process it is the same game",
        )


def _arcade() -> list[SuiteTask]:
    shares = measured()
    return [
        SuiteTask(
            "arcade", task.rules.name, name, task.rules.genre,
            (task.rules.view, "procedural"), task.goal, task.seconds, "game state",
            __version__, task.rules.version, True, _arcade_env(name),
            own_window=_arcade_window(name), verified_success=shares[name]["expert"],
            idle=shares[name]["idle"], random=shares[name]["random"],
        )
        for name, task in TASKS.items()
    ]  # fmt: skip


def _game_env(task: str) -> Callable[[str], TaskEnv]:
    def make(track: str) -> TaskEnv:
        from nitropilot.simulator.environments.game_env import GameEnv

        return GameEnv(task, track=track)

    return make


def _installed(game: KnownGame) -> Callable[[], object]:
    def check() -> object:
        from nitropilot.simulator.environments.game_env import check_version

        return check_version(game)

    return check


def _known_task(game: KnownGame, task: GameTask) -> SuiteTask:
    """A task of the catalogue, with what its admission has shown."""
    kept = proofs(game, task)
    known, idle, chance = (kept.get(name) for name in ("known", "idle", "random"))
    return SuiteTask(
        "free10", game.name, task.name, task.category, (game.perspective, game.layout), task.goal,
        task.seconds, "the game's own output", ", ".join(game.tried), rules_digest(game),
        task.replay, _game_env(task.name),
        tuple(track for track in TRACKS if track != "lockstep" or game.hold.lockstep),
        ready=_installed(game),
        verified_success=known["equal_verdicts"] / known["processes"] if known else None,
        idle=float(idle["won"]) if idle else None,
        random=chance["wins"] / chance["runs"] if chance else None,
    )  # fmt: skip


def _free10() -> list[SuiteTask]:
    return [_known_task(game, task) for game in KNOWN_GAMES.values() for task in game.tasks]


SUITES: dict[str, Callable[[], list[SuiteTask]]] = {"arcade": _arcade, "free10": _free10}
"""By name.  ``free10`` is to be ten free games; so far it is those that have tasks."""


def all_tasks() -> list[SuiteTask]:
    """Every task of every suite."""
    return [task for suite in SUITES.values() for task in suite()]


def choose_tasks(
    suite: str, games: Iterable[str] = (), tasks: Iterable[str] = ()
) -> list[SuiteTask]:
    """The tasks of a suite, or of some games of it, or some tasks alone.

    Raises:
        UnknownSuite, UnknownTask: There is none of that name; the hint has what is like it.
    """
    if suite not in SUITES:
        raise UnknownSuite(f"there is no suite {suite!r}", _near(suite, SUITES, "suites"))
    found = SUITES[suite]()
    games, tasks = list(games), list(tasks)
    for what, wanted, known in (
        ("game", games, {task.game for task in found}),
        ("task", tasks, {task.task for task in found}),
    ):
        for name in wanted:
            if name not in known:
                others = [task.suite for task in all_tasks() if name in (task.game, task.task)]
                hint = f"it is of the suite {others[0]}: --suite {others[0]}" if others else ""
                raise UnknownTask(
                    f"the suite {suite} has no {what} {name!r}",
                    hint or _near(name, known, f"{what}s"),
                )
    chosen = [
        task
        for task in found
        if (not games or task.game in games) and (not tasks or task.task in tasks)
    ]
    if not chosen:
        raise UnknownTask(
            f"{', '.join(tasks)} is no task of {', '.join(games)}", "leave --game or --task out"
        )
    return chosen


def task_named(suite: str, name: str, window: bool = False) -> SuiteTask:
    """One task, in its window where that is wanted.

    Raises:
        UnknownSuite, UnknownTask: There is none of that name.
        BadRun: There is no choice of a window.
    """
    task = choose_tasks(suite, tasks=(name,))[0]
    return task.windowed() if window else task


def _near(name: str, known: Iterable[str], what: str) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 3, 0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"{what} are {', '.join(names)}"
