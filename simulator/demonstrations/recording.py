"""``demonstrate``: so many minutes of a game's own script, on level after level."""

from __future__ import annotations

import json
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nitropilot.records.format import FACTS
from nitropilot.simulator.arcade.core.numbers import CANVAS
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.demonstrations.errors import NoDemonstration
from nitropilot.simulator.demonstrations.levels import Level
from nitropilot.simulator.demonstrations.writing import EpisodeWriter
from nitropilot.simulator.environments.task_env import HZ

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_LOST = 20
"""Episodes lost one after the other, after which the script is taken not to play this game."""
KEEP_FREE = 2 * 2**30
"""Bytes of the disk to leave free."""


@dataclass
class Demonstrated:
    """What was recorded.

    Attributes:
        folders: A recording each.
        ticks: Of game time in them.
        foreign: How many of these were somebody else's.
        lost: Episodes that the script did not win, of which nothing is kept.
    """

    folders: list[Path] = field(default_factory=list)
    ticks: int = 0
    foreign: int = 0
    lost: int = 0


def tasks_of(game: str) -> list[str]:
    """All tasks of a game of the arcade, or one of them.

    Raises:
        NoDemonstration: There is none with a script.
    """
    found = [name for name in TASKS if game in (name, name.rpartition("-")[0])]
    if not found:
        games = dict.fromkeys(name.rpartition("-")[0] for name in TASKS)
        raise NoDemonstration(
            f"no script plays {game!r}",
            f"name {', '.join(games)}, or a task of one, such as {next(iter(TASKS))}",
        )
    return found


def demonstrate(
    game: str,
    minutes: float,
    root: Path,
    *,
    seed: int = 0,
    noisy: float = 0.5,
    tell: Callable[[float], None] = lambda _done: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Demonstrated:
    """Let the script play levels that no benchmark has, until there are so many minutes.

    Each level is a recording of its own, so that what is held out of training are levels and not
    moments of them.  The tasks of a game take turns.  Levels that ``root`` has are left out: asked
    again, it goes on with those after them.

    Args:
        game: "runner" or "runner-2".
        minutes: Of game time.
        root: The folder of all recordings; made if missing.
        seed: Of the levels and the bursts.
        noisy: Share of the episodes with ``Bursts`` of foreign input, which are not taught.
        tell: Is told how much is done, 0 to 1.
        stopping: Whether to end; what is recorded stays, and the level that is played is left out.

    Raises:
        NoDemonstration: There is no such script, it does not win, or the disk is full.
    """
    tasks, made = tasks_of(game), Demonstrated()
    if not (0 < minutes < float("inf") and 0 <= noisy <= 1 and seed >= 0):
        raise NoDemonstration(
            f"{minutes:g} minutes with a share of {noisy:g} noisy ones from seed {seed}",
            "take minutes above 0, a share from 0 to 1, and a seed of 0 or more",
        )
    session, number, lost = secrets.token_hex(4), 0, 0
    there = _levels(root)
    wanted = round(minutes * 60 * HZ)
    while made.ticks < wanted and not stopping():
        before = len(made.folders)
        try:
            root.mkdir(parents=True, exist_ok=True)
            _require_room(root)
            level = Level.drawn(tasks[number % len(tasks)], seed, number, noisy)
            if (level.task, level.seed) in there:
                number += 1
                continue
            _play(level, (root, session), made, stopping)
        except OSError as error:
            raise NoDemonstration(
                f"cannot record in {root}: {error.strerror or error}", "make room there"
            ) from error
        number += 1
        lost = 0 if len(made.folders) > before else lost + 1
        if lost == MOST_LOST:
            raise NoDemonstration(
                f"the script lost {game} {MOST_LOST} times running", "take a lower share of noise"
            )
        tell(min(made.ticks / wanted, 1.0))
    return made


def _require_room(root: Path) -> None:
    if shutil.disk_usage(root).free < KEEP_FREE:
        raise OSError(f"less than {KEEP_FREE // 2**30} GiB are free")


def _levels(root: Path) -> set[tuple[str, int]]:
    """Task and seed of those that are recorded there."""
    found = set()
    for facts in root.glob(f"*/{FACTS}"):
        with suppress(OSError, ValueError, TypeError, LookupError):
            said = json.loads(facts.read_text(encoding="utf-8"))
            found.add((str(said["task"]), int(said["seed"])))
    return found


def _play(
    level: Level,
    place: tuple[Path, str],
    made: Demonstrated,
    stopping: Callable[[], bool],
) -> None:
    """One level; kept if it is won."""
    facts = {
        "task": level.task, "seed": level.seed, "expert": "script", "noise": level.noisy,
    }  # fmt: skip
    writer = EpisodeWriter(*place, level.game, (CANVAS, CANVAS), facts)
    foreign = 0
    try:
        for tick in level.ticks():
            writer.add(tick.state, tick.picture, tick.taught)
            foreign += not tick.taught
            if stopping():
                return
        if not level.won:
            made.lost += 1
            return
        made.folders.append(writer.finish("won"))
        made.ticks += writer.frames
        made.foreign += foreign
    finally:
        writer.drop()
