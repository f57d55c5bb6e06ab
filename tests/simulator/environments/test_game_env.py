"""Tasks of a real game: launched, held, judged, and gone when they are over."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import psutil
import pytest
from gymnasium.utils.env_checker import check_env

import nitropilot.simulator  # noqa: F401
from nitropilot.children import import_path
from nitropilot.simulator.environments import game_env
from nitropilot.simulator.environments.errors import (
    NoEpisode,
    NotPlayable,
    UnknownTask,
    UntestedVersion,
)
from nitropilot.simulator.environments.game_env import GameEnv
from nitropilot.simulator.environments.holding import LAPSE_S, TRACKS
from nitropilot.simulator.games import known
from nitropilot.simulator.games.known import GAME_TASKS
from nitropilot.simulator.games.recipes import installed
from nitropilot.simulator.games.supertux import judge
from tests.simulator.environments.test_arcade_env import IDLE, KEYS
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 120.0
TRIES = 10
RIGHT = np.zeros(20, np.float32)
RIGHT[16] = 1.0
WALK = "supertux-2"
FIRST_ZONE_S = 2.0
"""Long enough to walk to the first zone, and too short for the first enemy."""

pytestmark = [
    pytest.mark.game,
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux"),
    pytest.mark.skipif(not installed("supertux"), reason="supertux is not installed"),
]


def launches() -> dict[int, Path]:
    """Every game that this process has launched for an environment, with its profile."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        if child.status() != psutil.STATUS_ZOMBIE and child.name() == "supertux2":
            found[child.pid] = Path(child.cmdline()[child.cmdline().index("--userdir") + 1]).parent
    return found


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Whatever a test does."""
    yield
    names = [child.name() for child in psutil.Process().children(recursive=True)]
    assert [name for name in names if name == "supertux2"] == []


@pytest.fixture
def make() -> Iterator[Callable[..., GameEnv]]:
    """Makes environments that are closed at the end."""
    made = []

    def make_one(*arguments: Any, **options: Any) -> GameEnv:
        made.append(GameEnv(*arguments, **options))
        return made[-1]

    yield make_one
    for one in made:
        one.close()


def test_gymnasium_finds_nothing_wrong(x_display: object) -> None:
    """Spaces, seeds, render modes, the same outcome twice."""
    with gymnasium.make("NitroPilot/SuperTux-2-v0", size=64) as env:
        check_env(env.unwrapped)


@pytest.mark.parametrize("track", TRACKS)
def test_a_walk_in_every_track(track: str, make: Callable[..., GameEnv]) -> None:
    """The game moves as the pad says, the judge reads where it is, and thinking costs nothing."""
    for _ in range(TRIES):
        env = make(WALK, size=(120, 160), track=track)
        try:
            walk(env, track)
            return
        except NoEpisode:  # a busy machine let it lapse: such an episode is played again
            assert track != "lockstep"
    pytest.fail(f"{TRIES} episodes were void")


def walk(env: GameEnv, track: str) -> None:
    """To the first zone, and what is told on the way."""
    first, info = env.reset(seed=1)
    assert (first.shape, info.keys()) == ((120, 160, 3), KEYS)
    assert (info["game_time"], info["progress"]) == (0.0, 0.0)
    total, frames, steps = 0.0, 0, 0
    while info["game_time"] < FIRST_ZONE_S:
        if track != "realtime" and steps == 20:
            before = env._picture()
            time.sleep(1.5 * LAPSE_S)
            assert np.array_equal(env._picture(), before), "it stands while somebody thinks"
        picture, reward, terminated, truncated, info = env.step(RIGHT)
        assert info.keys() == KEYS
        assert not terminated and not truncated
        total, frames, steps = total + reward, frames + info["frames"], steps + 1
    assert total == pytest.approx(info["progress"])
    assert info["progress"] >= 0.15
    assert info["judge"]["x"] >= 300
    assert info["freeze"] == TRACKS[track].freeze
    assert frames > 0
    assert not np.array_equal(picture, first)
    if track != "realtime":
        assert info["game_time"] == pytest.approx(steps / 60)
    if track == "lockstep":
        assert frames == steps


def test_who_thinks_too_long_in_real_time_has_no_episode(make: Callable[..., GameEnv]) -> None:
    """What is pressed while nobody decides is nobody's play."""
    env = make(WALK, size=16, track="realtime")
    env.reset(seed=1)
    env.step(RIGHT)
    time.sleep(1.5 * LAPSE_S)
    with pytest.raises(NoEpisode, match="the pad was let go"):
        env.step(RIGHT)
    with pytest.raises(NoEpisode, match="void"):
        env.step(RIGHT)
    env.reset(seed=1)
    env.step(RIGHT)


def test_a_game_that_ends_in_play(make: Callable[..., GameEnv]) -> None:
    """It is said, and the next episode is a new game."""
    env = make(WALK, size=16)
    env.reset(seed=1)
    (pid,) = launches()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(NotPlayable, match="SuperTux"):
        for _ in range(3):
            env.step(IDLE)
    with pytest.raises(NoEpisode, match="void"):
        env.step(IDLE)
    env.reset(seed=1)
    assert env.step(IDLE)[4]["frames"] == 1


def hands() -> list[psutil.Process]:
    """The hands of this process."""
    children = psutil.Process().children()
    return [one for one in children if "hand.main" in " ".join(one.cmdline())]


def test_a_hand_that_is_gone_voids_a_paused_episode(make: Callable[..., GameEnv]) -> None:
    """The game ran on without it; that is nobody's play, and the next episode is one again."""
    env = make(WALK, size=16, track="paused")
    env.reset(seed=1)
    (hand,) = hands()
    hand.kill()
    hand.wait()
    with pytest.raises(NoEpisode, match="the game's hand stood still"):
        env.step(IDLE)
    with pytest.raises(NoEpisode, match="void"):
        env.step(IDLE)
    env.reset(seed=1)
    assert len(hands()) == 1


def test_a_hand_that_is_gone_voids_nothing_in_lockstep(make: Callable[..., GameEnv]) -> None:
    """The game stands whoever holds it; somebody holds it again."""
    env = make(WALK, size=16)
    env.reset(seed=1)
    (old,) = hands()
    old.kill()
    old.wait()
    for _ in range(3):
        assert env.step(IDLE)[4]["frames"] == 1
    (new,) = hands()
    assert new.pid != old.pid


def test_closing_removes_all(make: Callable[..., GameEnv]) -> None:
    """Game, display, profile, pages; also when it could not begin."""
    env = make(WALK, size=16)
    env.reset(seed=1)
    ((pid, profile),) = launches().items()
    assert (profile / "level.stl").is_file()
    pages = [Path(value) for name, value in psutil.Process(pid).environ().items() if "PAGE" in name]
    assert len(pages) == 2
    env.close()
    env.close()
    assert not psutil.pid_exists(pid)
    assert not profile.exists()
    assert [page for page in pages if page.exists()] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file.*welcome_antarctica"), (b"\xff(level", "cannot be made.*codec"),
     (b"(supertux-level)", "cannot be made.*main")],
    ids=["missing", "another encoding", "no main sector"],
)  # fmt: skip
def test_a_start_state_that_cannot_be_made(
    content: bytes | None, said: str, make: Callable[..., GameEnv], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """An error that says what is missing, and nothing left running."""
    monkeypatch.setattr(judge, "LEVELS", tmp_path)
    level = tmp_path / GAME_TASKS[WALK][1].start
    level.parent.mkdir()
    if content is not None:
        level.write_bytes(content)
    env = make(WALK)
    with pytest.raises(NotPlayable, match=said):
        env.reset(seed=1)
    with pytest.raises(NoEpisode, match="could not be begun"):
        env.step(IDLE)


def test_what_is_asked_for_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with what there is instead."""
    with pytest.raises(UnknownTask, match="no game has a task 'supertux-9'") as unknown:
        GameEnv("supertux-9")
    assert WALK in unknown.value.hint
    with pytest.raises(UnknownTask, match="no track 'fast'"):
        GameEnv(WALK, track="fast")
    monkeypatch.setattr(game_env, "installed_version", lambda _: "9.1")
    with pytest.raises(UntestedVersion, match=r"SuperTux 9\.1 is installed; .* with 0\.6\.3"):
        GameEnv(WALK).reset(seed=1)
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(known, "GAMES_FOLDER", "")
    env = GameEnv(WALK)
    with pytest.raises(NotPlayable, match="SuperTux is not installed") as missing:
        env.reset(seed=1)
    assert "apt-get install supertux" in missing.value.hint


def test_several_at_once() -> None:
    """Each its own game and display; the same seed and the same pad, the same pictures."""
    both = gymnasium.make_vec(
        "NitroPilot/SuperTux-2-v0", num_envs=2, vectorization_mode="async", size=64
    )
    try:
        frames, _ = both.reset(seed=[1, 1])
        assert np.array_equal(*frames)
        for _ in range(30):
            frames, *_ = both.step(np.stack([RIGHT, RIGHT]))
        assert np.array_equal(*frames)
        for _ in range(10):
            frames, *_ = both.step(np.stack([RIGHT, IDLE]))
        assert not np.array_equal(*frames)
    finally:
        both.close()


def test_the_pages_example() -> None:
    """The first thing that a developer tries."""
    page = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    _, example = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    done = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": import_path()},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0.")
    assert "'x': " in done.stdout


@pytest.mark.machine_wide
@pytest.mark.parametrize("track", TRACKS)
def test_a_killed_caller_leaves_nothing(track: str) -> None:
    """A training run that is shot must not keep a game at its gate for ever."""
    code = (
        "import json, sys, time, psutil\n"
        "from nitropilot.simulator.environments.game_env import GameEnv\n"
        f"env = GameEnv({WALK!r}, size=16, track={track!r})\n"
        "env.reset(seed=1)\n"
        "children = psutil.Process().children(recursive=True)\n"
        "pages = [v for c in children for n, v in c.environ().items() if 'PAGE' in n]\n"
        "print(json.dumps([[c.pid for c in children], pages, str(env._judge.profile)]))\n"
        "sys.stdout.flush()\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": import_path()},
    ) as caller:  # fmt: skip
        assert caller.stdout is not None
        pids, pages, profile = json.loads(caller.stdout.readline())
        assert len(pids) >= 3, "a game, its display, its hand"
        assert Path(profile).is_dir()
        caller.kill()
    deadline = time.monotonic() + PATIENCE_S
    while left := [pid for pid in pids if psutil.pid_exists(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert not Path(profile).exists()
    assert [page for page in pages if Path(page).exists()] == []
