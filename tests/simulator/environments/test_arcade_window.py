"""The arcade in its windows, launched as games are: the very game that is played in process."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import gymnasium
import numpy as np
import pytest

import nitropilot.simulator  # noqa: F401
from nitropilot.capture.errors import DisplaySilent
from nitropilot.capture.frame import Frame
from nitropilot.controller.state import GamepadState
from nitropilot.simulator.arcade.judged import pad_told, plain_pad
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.trials import at_random, expert, play
from nitropilot.simulator.arcade.window import Pace
from nitropilot.simulator.benchmark.results.episode import Disagreement as Told
from nitropilot.simulator.benchmark.runner.episode import _state
from nitropilot.simulator.benchmark.runner.stage import REST, Stage
from nitropilot.simulator.environments import game_env, leaks
from nitropilot.simulator.environments.actions import action_of, pad_state
from nitropilot.simulator.environments.arcade_env import ArcadeEnv
from nitropilot.simulator.environments.arcade_window import (
    ArcadeJudge,
    ArcadeWindowEnv,
    arcade_game,
)
from nitropilot.simulator.environments.errors import (
    BadSize,
    NoEpisode,
    NotPlayable,
    SimulatorError,
    UnknownTask,
)
from nitropilot.simulator.environments.game_env import GRABS
from nitropilot.simulator.environments.holding import TRACKS
from nitropilot.simulator.environments.second_judge import SETTLE, Disagreement, SecondJudge
from nitropilot.simulator.environments.task_env import TaskEnv

if TYPE_CHECKING:
    from pathlib import Path

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux")
SHORT = 150
TRIES = 10
SEED = 4


def pressed(task: str, who: Any) -> list[Any]:
    """A whole play's actions, as an environment takes them; START and BACK are not pressed."""
    trace = play(TASKS[task], SEED, who(TASKS[task], SEED)).trace
    return [action_of(pad_state(action_of(state))) for state in trace]


def same_both_ways(task: str, actions: list[Any], size: Any) -> tuple[int, bool]:
    """Play a pad both ways, step by step; how many steps, and whether it was won."""
    with closing(ArcadeEnv(task, size)) as near, closing(ArcadeWindowEnv(task, size)) as far:
        told: list[Any] = [(*env.reset(seed=SEED), 0.0, False, False) for env in (near, far)]
        told = [(picture, *rest, info) for picture, info, *rest in told]
        steps = 0
        for action in [*actions, None]:
            one, other = told
            assert np.array_equal(one[0], other[0]), f"another picture after step {steps}"
            assert one[1:4] == other[1:4], f"another verdict after step {steps}"
            for key in ("judge", "progress", "success", "game_time"):
                assert one[4][key] == other[4][key], f"another {key} after step {steps}"
            if action is None or one[2] or one[3]:
                break
            assert far.expert() == near.expert()
            told = [near.step(action), far.step(action)]
            steps += 1
    return steps, bool(one[4]["success"])


@LINUX
@pytest.mark.game
@pytest.mark.parametrize(
    ("task", "size"),
    [("runner-3", 256), ("arena-3", 128), ("maze-2", (120, 160)), ("road-3", 256),
     ("pulse-3", 512)],
)  # fmt: skip
def test_every_game_is_the_same_both_ways(task: str, size: Any) -> None:
    """What is learned in process would be worth nothing in the window."""
    steps, _ = same_both_ways(task, pressed(task, expert)[:SHORT], size)
    assert steps == SHORT


@LINUX
@pytest.mark.game
@pytest.mark.slow
@pytest.mark.parametrize("who", [expert, at_random], ids=["expert", "random"])
@pytest.mark.parametrize("task", TASKS)
def test_whole_plays_are_the_same_both_ways(task: str, who: Any) -> None:
    """Frame for frame to the verdict, of every task."""
    actions = pressed(task, who)
    steps, won = same_both_ways(task, actions, 256)
    assert steps == len(actions)
    assert won == (who is expert)


@LINUX
@pytest.mark.game
@pytest.mark.long
def test_the_paused_track_steps_once_a_step() -> None:
    """The window keeps its own time there: a step is a sixtieth of a second of it."""
    with closing(ArcadeWindowEnv("pulse-1", 64, track="paused")) as env:
        _, info = env.reset(seed=SEED)
        assert info["judge"]["tick"] <= 1
        for _ in range(60):
            _, _, _, _, info = env.step(action_of(env.expert()))
        assert abs(info["judge"]["tick"] - 60) <= 2
        assert info["freeze"] == TRACKS["paused"].freeze


@LINUX
@pytest.mark.game
def test_a_game_that_hangs_or_leaks_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not show would be held against the policy to the end of the task's time, and
    what it takes would be missing everywhere."""
    with closing(ArcadeWindowEnv("maze-1", 16, track="realtime")) as env:
        for what, said in (("HANGS_S", "hangs: it has shown no picture for 0.5 s"),
                           ("MORE_DESCRIPTORS", "leaks descriptors")):  # fmt: skip
            for _ in range(TRIES):
                env.reset(seed=SEED)
                with monkeypatch.context() as changed, pytest.raises(SimulatorError) as error:
                    if what == "HANGS_S":
                        changed.setattr(game_env, what, 0.5)
                        assert env._held is not None
                        os.kill(env._held._launched.process.pid, signal.SIGSTOP)
                    else:
                        changed.setattr(leaks, what, -1000)
                        changed.setattr(leaks, "LOOK_S", 0.0)
                    while True:
                        env.step(REST)
                if not isinstance(error.value, NoEpisode):
                    break  # a busy machine let it lapse, otherwise
            assert said in error.value.line()
            with pytest.raises(NoEpisode, match="is void"):
                env.step(REST)


class Busy:
    """A display that does not answer the first questions."""

    def __init__(self, silent: int) -> None:
        self.silent = silent

    def grab(self) -> Frame:
        """A picture, or nothing yet."""
        self.silent -= 1
        if self.silent >= 0:
            raise DisplaySilent("the display :9 has not answered for 1 s")
        return Frame(np.zeros((512, 512, 3), np.uint8), 0.0)


def test_a_busy_display_is_asked_again_while_the_game_stands() -> None:
    """With four games on two cores a picture may take long; in real time nobody can wait for it."""
    for track, silent, answers in (("paused", GRABS - 1, True), ("lockstep", GRABS, False),
                                   ("realtime", 1, False)):  # fmt: skip
        env = ArcadeWindowEnv("maze-1", 16, track=track)
        env._grabber = cast("Any", Busy(silent))
        if answers:
            assert env._picture().shape == (16, 16, 3)
            continue
        with pytest.raises(NotPlayable, match="has not answered"):
            env._picture()


def test_which_way_is_a_word_in_make() -> None:
    """The same id, in process or launched."""
    with gymnasium.make("NitroPilot/Maze-2-v0", window=True, track="paused") as far:
        env: Any = far.unwrapped
        assert (type(env), env.task.name, env.track) == (ArcadeWindowEnv, "maze-2", "paused")
    with gymnasium.make("NitroPilot/Maze-2-v0", size=64) as near:
        assert type(near.unwrapped) is ArcadeEnv
        assert near.unwrapped.metadata["deterministic"]
    for track in TRACKS:
        far = ArcadeWindowEnv("maze-2", track=track)
        assert far.metadata["deterministic"] == (track == "lockstep"), track
    assert not gymnasium.make("NitroPilot/Attach-v0", pid=1).unwrapped.metadata["deterministic"]
    assert TaskEnv.metadata["deterministic"], "each says it of itself"
    with pytest.raises(UnknownTask, match="no task 'maze-9'"):
        ArcadeWindowEnv("maze-9")


@pytest.mark.parametrize(
    "size", [-3, 0, 7, 100_000, "x", None, 2.5, True, (64,), (64, -1), ("a", 2)]
)
def test_a_size_that_is_none(size: Any) -> None:
    """It is said before anything is launched or allocated."""
    kinds: list[type[TaskEnv]] = [ArcadeEnv, ArcadeWindowEnv]
    for kind in kinds:
        with pytest.raises(BadSize, match="cannot have the size") as error:
            kind("maze-1", size)
        assert "from 8 to 4096" in error.value.hint


def test_a_pad_is_told_as_it_is() -> None:
    """A stick that is rounded on the way plays another game."""
    for number in range(20):
        trace = play(TASKS["arena-1"], number, at_random(TASKS["arena-1"], number)).trace
        assert pad_told(plain_pad(trace[0])) == trace[0]
    assert pad_told(plain_pad(GamepadState())) == GamepadState()


def test_a_pace_does_not_catch_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty a second; after a stall it goes on from there."""
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("nitropilot.simulator.arcade.window.time.perf_counter", lambda: now[0])
    monkeypatch.setattr("nitropilot.simulator.arcade.window.time.sleep", sleep)
    pace = Pace()
    for _ in range(60):
        pace.wait()
    assert now[0] == pytest.approx(101.0)
    now[0] += 5.0
    pace.wait()
    pace.wait()
    assert now[0] == pytest.approx(106.0 + 1 / 60)
    assert min(slept) == 0.0


@pytest.mark.parametrize(("task", "fact"), [("arena-2", "hearts"), ("pulse-3", "energy")])
def test_the_picture_shows_what_the_game_says(task: str, fact: str, tmp_path: Path) -> None:
    """Read from every picture of plays that are lost heart by heart, whatever is drawn behind."""
    judge = ArcadeJudge(arcade_game(task).tasks[0], tmp_path, tmp_path / "none")
    seen = set()
    with closing(ArcadeEnv(task)) as env:
        for seed in range(3):
            _, info = env.reset(seed=seed)
            for state in play(TASKS[task], seed, at_random(TASKS[task], seed)).trace:
                picture, _, ended, cut, info = env.step(action_of(state))
                left = max(info["judge"][fact], 0)  # two mistakes in one step leave less than none
                assert judge.shown(picture) == {fact: left}
                seen.add(info["judge"][fact])
                if ended or cut:
                    break
    assert len(seen) >= 3
    maze = ArcadeJudge(arcade_game("maze-1").tasks[0], tmp_path, tmp_path / "none")
    assert maze.shown(picture) == {}


@LINUX
@pytest.mark.game
def test_a_judge_that_lies_is_contradicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the picture; what the judge says stands, and the record says both."""
    honest = ArcadeJudge._take

    def lie(judge: ArcadeJudge, said: Any) -> None:
        if said["state"]["tick"] >= 10:
            said["state"]["energy"] -= 3
        honest(judge, said)

    with closing(ArcadeWindowEnv("pulse-1", 64)) as env:
        stage = Stage(env, SEED, {})
        for _ in range(40):
            stage.step(REST)
        assert env.disagreements == ()
        monkeypatch.setattr(ArcadeJudge, "_take", lie)
        stage = Stage(env, SEED, {})
        for _ in range(40):
            stage.step(REST)
        assert env.disagreements == (Disagreement("energy", 2, 5, 10 / 60),)
        kept = _state(stage)["disagreements"]
    assert Told(**kept[0]).model_dump() == {
        "fact": "energy", "game": 2, "picture": 5, "game_time": 10 / 60,
    }  # fmt: skip


def test_what_two_judges_may_differ_in() -> None:
    """For a moment, and in what only one of them sees; what stays is told once."""
    second = SecondJudge()
    for look in range(3 * SETTLE):
        second.look({"coins": look // 4, "lives": 2}, {"coins": look // 4 + 1, "x": 7}, look / 60)
    assert second.disagreements == [], "a counter that runs after is none"
    for look in range(3 * SETTLE):
        second.look({"coins": 9}, {"coins": 12}, 1 + look / 60)
    assert second.disagreements == [Disagreement("coins", 12, 9, 1.0)]
    second.look({"coins": 12}, {"coins": 12}, 3.0)
    for look in range(SETTLE):
        second.look({"coins": 9}, {"coins": 12}, 4 + look / 60)
    assert [each.game_time for each in second.disagreements] == [1.0, 4.0]
