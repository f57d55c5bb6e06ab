"""The arcade through Gymnasium, as its own tools and other people's use it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordVideo

import nitropilot.simulator  # noqa: F401
from nitropilot.controller.state import Button, GamepadState
from nitropilot.policy.actions import CHECKPOINT
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.environments.actions import BUTTONS, action_of, in_layout
from nitropilot.simulator.environments.arcade_env import ArcadeEnv
from nitropilot.simulator.environments.errors import (
    BadAction,
    NoEpisode,
    NotPlayable,
    UnknownTask,
)
from nitropilot.simulator.environments.wrappers import NamedActions, PolicyActions, RepeatAction

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEYS = {
    "game_time", "progress", "success", "judge", "freeze", "frames", "wall_time", "delay"
}  # fmt: skip
IDLE = np.zeros(20, np.float32)


def played(name: str, seed: int, steps: int, **options: Any) -> list[bytes]:
    """The expert's first steps, as pictures."""
    with gymnasium.make(name, **options) as env:
        env.reset(seed=seed)
        return [
            env.step(action_of(env.unwrapped.expert()))[0].tobytes()  # type: ignore[attr-defined]
            for _ in range(steps)
        ]


@pytest.mark.parametrize("task", TASKS)
def test_gymnasium_finds_nothing_wrong(task: str) -> None:
    """Spaces, seeds, copies, render modes, the same outcome twice."""
    game, number = task.split("-")
    with gymnasium.make(f"NitroPilot/{game.title()}-{number}-v0") as env:
        check_env(env.unwrapped)


def test_a_bare_id_is_the_first_task() -> None:
    """Also for who names the module in place of importing it."""
    for name in ("NitroPilot/Maze-v0", "nitropilot.simulator:NitroPilot/Maze-v0"):
        with gymnasium.make(name) as env:
            assert env.unwrapped.task.name == "maze-1"  # type: ignore[attr-defined]


def test_the_same_seed_is_the_same_play() -> None:
    """Frame for frame, and as the game itself draws it."""
    frames = played("NitroPilot/Arena-2-v0", 5, 40)
    assert frames == played("NitroPilot/Arena-2-v0", 5, 40)
    assert frames != played("NitroPilot/Arena-2-v0", 6, 40)
    game = Game("arena")
    game.reset(5, 1)
    for frame in frames:
        game.step(game.expert())
        assert game.draw().tobytes() == frame


def test_the_expert_wins_and_what_is_told_on_the_way() -> None:
    """Reward is the rise of progress, and all of it comes to 1."""
    with gymnasium.make("NitroPilot/Runner-v0", size=96) as env:
        frame, info = env.reset(seed=1)
        assert frame.shape == (96, 96, 3)
        assert info.keys() == KEYS
        total, steps, ended = 0.0, 0, False
        while not ended:
            expert = env.unwrapped.expert()  # type: ignore[attr-defined]
            frame, reward, terminated, truncated, info = env.step(action_of(expert))
            total, steps, ended = total + float(reward), steps + 1, terminated or truncated
            assert info.keys() == KEYS
            assert reward >= 0
        assert (terminated, truncated, info["success"]) == (True, False, True)
        assert total == pytest.approx(1.0)
        assert info["game_time"] == pytest.approx(steps / 60)
        assert info["frames"] == 1
        assert info["judge"]["game"] == "runner"
        with pytest.raises(NoEpisode, match="the episode is over"):
            env.unwrapped.step(IDLE)


def test_who_does_nothing_runs_out_of_time() -> None:
    """Cut off at the task's limit, and not won."""
    with gymnasium.make("NitroPilot/Maze-v0", size=16) as env:
        env.reset(seed=1)
        steps = 0
        truncated = terminated = False
        while not truncated and not terminated:
            _, _, terminated, truncated, info = env.step(IDLE)
            steps += 1
        assert (steps, truncated, info["success"]) == (TASKS["maze-1"].ticks, True, False)


def test_mistakes_have_an_error_of_their_own() -> None:
    """And an action that is none costs nothing."""
    with pytest.raises(UnknownTask, match="no task 'runner-9'"):
        gymnasium.make("NitroPilot/Runner-v0", task="runner-9")
    with pytest.raises(ValueError, match="no render_mode"):
        gymnasium.make("NitroPilot/Runner-v0").unwrapped.__class__("runner-1", render_mode="ansi")
    env = gymnasium.make("NitroPilot/Runner-v0").unwrapped
    with pytest.raises(NoEpisode, match="has not begun"):
        env.step(IDLE)
    env.reset(seed=1)
    with pytest.raises(ValueError, match="unknown options: level"):
        env.reset(seed=1, options={"level": 3})
    with pytest.raises(BadAction):
        env.step(np.full(20, np.nan, np.float32))
    assert env.step(IDLE)[4]["game_time"] == pytest.approx(1 / 60)
    env.close()
    with pytest.raises(NoEpisode, match="was closed"):
        env.step(IDLE)


def test_who_gets_no_picture_has_no_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step was played and its reward was never given: what came after would be of a hole."""
    env = ArcadeEnv("runner-1", 16)

    def silent(_env: ArcadeEnv) -> None:
        raise NotPlayable("the display is silent")

    def fails(what: Callable[[], object], why: str) -> None:
        with monkeypatch.context() as patched, pytest.raises(NotPlayable, match="silent"):
            patched.setattr(ArcadeEnv, "_picture", silent)
            what()
        with pytest.raises(NoEpisode, match=why):
            env.step(IDLE)

    fails(lambda: env.reset(seed=1), "could not be begun")
    env.reset(seed=1)
    fails(lambda: env.step(IDLE), "is void")
    fails(lambda: env.reset(seed=1), "could not be begun")
    env.reset(seed=1)
    assert env.step(IDLE)[4]["game_time"] == pytest.approx(1 / 60)


def test_videos_and_several_at_once(tmp_path: Path) -> None:
    """What people do with any environment."""
    with RecordVideo(
        gymnasium.make("NitroPilot/Pulse-v0", render_mode="rgb_array"), str(tmp_path / "made")
    ) as env:
        env.reset(seed=1)
        for _ in range(30):
            env.step(IDLE)
    (video,) = (tmp_path / "made").glob("*.mp4")
    assert video.stat().st_size > 1000
    both = gymnasium.make_vec("NitroPilot/Road-v0", num_envs=2, vectorization_mode="async")
    try:
        frames, _ = both.reset(seed=[1, 2])
        assert frames.shape == (2, 256, 256, 3)
        assert not np.array_equal(*frames)
        both.step(np.zeros((2, 20), np.float32))
    finally:
        both.close()


def test_actions_by_name_in_a_layout_and_held() -> None:
    """Three ways to say the same."""
    state = GamepadState(left=(1.0, 0.0), buttons=Button.A)
    plain = gymnasium.make("NitroPilot/Runner-v0")
    named = NamedActions(gymnasium.make("NitroPilot/Runner-v0"))
    as_policy = PolicyActions(gymnasium.make("NitroPilot/Runner-v0"))
    held = RepeatAction(gymnasium.make("NitroPilot/Runner-v0"), 8)
    ways: list[tuple[gymnasium.Env[Any, Any], Any]] = [
        (plain, action_of(state)),
        (named, {"SOUTH": 1, "left_stick": [1.0, 0.0]}),
        (as_policy, in_layout(action_of(state), CHECKPOINT)),
    ]
    pictures = []
    for env, action in ways:
        env.reset(seed=4)
        assert env.action_space.contains(env.action_space.sample())
        for _ in range(8):
            picture = env.step(action)[0]
        pictures.append(picture)
    held.reset(seed=4)
    picture, _, _, _, info = held.step(action_of(state))
    assert info["frames"] == 8
    assert all(np.array_equal(one, picture) for one in pictures)
    with pytest.raises(BadAction, match="has no 'JUMP'"):
        named.step({"JUMP": 1})
    with pytest.raises(BadAction, match="left_stick is 1"):
        named.step({"left_stick": 1.0})
    with pytest.raises(BadAction, match=r"actions are \(1, 20\)"):
        as_policy.step(np.zeros(20, np.float32))
    with pytest.raises(ValueError, match="0 times"):
        RepeatAction(plain, 0)
    for env in (plain, named, as_policy, held):
        env.close()
    assert "SOUTH" in BUTTONS


def test_a_picture_that_is_not_square() -> None:
    """As wide as who trains on it wants it."""
    with gymnasium.make("NitroPilot/Road-v0", size=(90, 160)) as env:
        assert env.reset(seed=1)[0].shape == (90, 160, 3)


def test_commands_do_without_gymnasium() -> None:
    """It costs a tenth of a second, which a command that plays has no use for."""
    code = (
        "import sys, nitropilot.server.cli.main, nitropilot.simulator.games.recipes;"
        "assert 'gymnasium' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
