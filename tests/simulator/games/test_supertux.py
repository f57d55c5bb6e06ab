"""SuperTux's judge, by lines as the game prints them, and the level that prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.simulator.games.judging import judge_class
from nitropilot.simulator.games.known import GAME_TASKS, KNOWN_GAMES
from nitropilot.simulator.games.supertux.judge import (
    COINS,
    FALLING,
    FAR,
    KILLS,
    LEVEL,
    LEVELS,
    ZONES,
    GameJudge,
    with_scripts,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.simulator.games.judging import Verdict

TASKS = {task.measure: task for _, task in GAME_TASKS.values() if task.name.startswith("supertux")}
START = "begin", "tux 100 0 0", "tux 100 0 15"
STOMP = ["dead snowball", "tux 100 320 -300"]
RUNGS = {
    "kills": [["zone 600"], STOMP, ["zone 1400"], STOMP, STOMP],
    "x": [[f"zone {x}"] for x in ZONES],
    "coins": [[f"tux {100 + coins} 0 0"] for coins in range(1, COINS + 1)],
}
"""What each task's ladder is climbed by."""


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., Verdict]:
    """A judge's verdict after the game has printed more lines; one judge for each measure."""
    judges: dict[str, GameJudge] = {}
    output = tmp_path / "game.log"
    output.write_text("[WARNING] something else\n")

    def tell(measure: str, *lines: str) -> Verdict:
        with output.open("a") as file:
            file.writelines(f"[SCRIPTING] NP {line}\n" for line in lines)
        judge = judges.setdefault(measure, GameJudge(TASKS[measure], tmp_path, output))
        return judge.read()

    return tell


@pytest.mark.parametrize("measure", RUNGS)
def test_a_ladder_is_climbed_rung_by_rung(measure: str, told: Callable[..., Verdict]) -> None:
    """A task of all or nothing says nothing of those who do not win it."""
    assert not told(measure, *START[:2]).playing, "the title card runs the script once"
    verdict = told(measure, *START[2:])
    assert (verdict.playing, verdict.progress, verdict.won) == (True, 0.0, False)
    reached = []
    for lines in RUNGS[measure]:
        verdict = told(measure, *lines)
        reached.append(verdict.progress)
        assert verdict.won == (verdict.progress == 1.0)
    assert len(set(reached)) >= 5
    assert reached == sorted(reached)
    assert (reached[-1], verdict.won, verdict.lost) == (1.0, True, False)


@pytest.mark.parametrize("death", ["begin", f"tux 100 0 {FALLING + 1}"])
def test_a_death_is_the_end(death: str, told: Callable[..., Verdict]) -> None:
    """What is collected in the next life counts for nothing."""
    told("coins", *START)
    assert told("coins", "tux 104 320 0").progress == pytest.approx(0.4)
    verdict = told("coins", death, *(line for lines in RUNGS["coins"] for line in lines))
    assert (verdict.lost, verdict.won, verdict.facts["died"]) == (True, False, True)
    assert verdict.progress < 1.0


def test_an_enemy_that_dies_by_itself_is_nobodys(told: Callable[..., Verdict]) -> None:
    """Whoever stands and waits until one walks out of the level has beaten none."""
    told("kills", *START)
    assert told("kills", "dead snowball", "tux 100 0 0", "tux 100 0 -500").facts["kills"] == 0
    assert told("kills", "dead snowball").facts["kills"] == 0
    assert told("kills", "tux 100 0 -300", "tux 100 0 -285").facts["kills"] == 1


def test_what_is_half_written_waits(tmp_path: Path) -> None:
    """A game that is frozen within a line would be judged by a part of a number."""
    output = tmp_path / "game.log"
    judge = GameJudge(TASKS["x"], tmp_path, output)
    output.write_text("[SCRIPTING] NP zone 300\n[SCRIPTING] NP zone 19")
    assert judge.read().facts["x"] == 300
    with output.open("a") as file:
        file.write("00\n")
    assert judge.read().facts["x"] == 1900


def test_the_level_prints_and_is_otherwise_the_games(tmp_path: Path) -> None:
    """Every enemy that dies and every zone on the way, and nothing taken away."""
    task = TASKS["kills"]
    source = LEVELS / task.start
    if not source.is_file():
        pytest.skip("supertux is not installed")
    GameJudge.prepare(task, tmp_path)
    made, plain = (tmp_path / LEVEL).read_text().splitlines(), source.read_text().splitlines()
    assert [line for line in made if line in set(plain)] == plain
    added = "\n".join(line for line in made if line not in set(plain))
    assert added.count("dead-script") >= KILLS
    assert added.count("scripttrigger") == len(ZONES)
    assert ZONES[-1] == FAR
    with pytest.raises(ValueError, match="no main sector"):
        with_scripts("(supertux-level)")


@pytest.mark.parametrize("name", [name for name, game in KNOWN_GAMES.items() if game.tasks])
def test_every_game_with_tasks_has_a_judge(name: str) -> None:
    """Where another folder is added, its judge has to be found by its name alone."""
    assert judge_class(KNOWN_GAMES[name]).__name__ == "GameJudge"
    assert KNOWN_GAMES[name].setting is not None
