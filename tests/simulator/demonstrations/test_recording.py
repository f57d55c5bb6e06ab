"""A script's recordings are read, played again and learned from as a person's are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from nitropilot.controller.state import NEUTRAL, Button, GamepadState
from nitropilot.records.pairs import pairs
from nitropilot.records.reader import read_recording
from nitropilot.records.timeline import Timeline
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.demonstrations import recording
from nitropilot.simulator.demonstrations.bursts import LONGEST, SHORTEST, Bursts
from nitropilot.simulator.demonstrations.errors import NoDemonstration
from nitropilot.simulator.demonstrations.levels import FIRST_LEVEL
from nitropilot.simulator.demonstrations.recording import demonstrate, tasks_of
from nitropilot.simulator.environments.actions import action_of
from nitropilot.simulator.environments.arcade_env import ArcadeEnv

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.records.reader import Recorded
    from nitropilot.simulator.demonstrations.recording import Demonstrated

MINUTES = 0.02
"""One level is longer than that, and is played to its end."""


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Demonstrated:
    """A level with bursts in it."""
    return demonstrate("arena-1", MINUTES, tmp_path_factory.mktemp("noisy"), noisy=1.0)


def pads(recorded: Recorded) -> list[GamepadState]:
    """What was pressed in each row."""
    from nitropilot.records.format import BUTTON_BITS

    return [
        GamepadState(
            (row["j_left"][0], -row["j_left"][1]), (row["j_right"][0], -row["j_right"][1]),
            row["trigger_left"], row["trigger_right"],
            Button(sum(bit for name, bit in BUTTON_BITS.items() if row[name])),
        )
        for row in recorded.rows.to_pylist()
    ]  # fmt: skip


def test_it_can_be_played_again(noisy: Demonstrated) -> None:
    """The pads that it holds win the level that it names, and its pictures are those of it."""
    (folder,) = noisy.folders
    recorded = read_recording(folder)
    assert recorded.facts["game"] == "arena"
    assert recorded.facts["noise"] is True
    env = ArcadeEnv(recorded.facts["task"])
    env.reset(seed=recorded.facts["seed"])
    shown = []
    for pad in pads(recorded):
        picture, _, terminated, _, info = env.step(action_of(pad))
        shown.append(picture)
    assert terminated
    assert info["success"]
    with av.open(str(recorded.video)) as video:
        for number, frame in enumerate(video.decode(video=0)):
            if number % 40 == 0:
                off = np.abs(frame.to_ndarray(format="rgb24").astype(float) - shown[number])
                assert off.mean() < 8, number


def test_foreign_input_is_not_taught(noisy: Demonstrated) -> None:
    """It is what was pressed, and belongs to nobody; all else is the script's."""
    recorded = read_recording(noisy.folders[0])
    sources = recorded.rows["source"].to_pylist()
    assert 0 < sources.count("none") == noisy.foreign < len(sources) / 2
    env = ArcadeEnv(recorded.facts["task"])
    env.reset(seed=recorded.facts["seed"])
    for row, (pad, source) in enumerate(zip(pads(recorded), sources, strict=True)):
        wanted = NEUTRAL if row == 0 else env.expert()
        if source == "agent":
            assert np.allclose(action_of(pad), action_of(wanted), atol=1e-6), row
        env.step(action_of(pad))


def test_a_frame_goes_with_the_next_action(noisy: Demonstrated) -> None:
    """It shows what the row's own has led to, so that a policy with shift 1 decides on the next."""
    rows = read_recording(noisy.folders[0]).rows
    found = pairs(rows, Timeline(1, 16))
    assert [pair.first - pair.frame for pair in found] == [1] * (rows.num_rows - 16)


def test_the_same_seed_is_the_same_play(noisy: Demonstrated, tmp_path: Path) -> None:
    """And its levels are none of the benchmark's."""
    again = demonstrate("arena-1", MINUTES, tmp_path, noisy=1.0)
    first, second = (read_recording(made.folders[0]) for made in (noisy, again))
    assert pads(first) == pads(second)
    assert first.facts["seed"] == second.facts["seed"] >= FIRST_LEVEL
    other = demonstrate("arena-1", MINUTES, tmp_path, noisy=1.0, seed=1)
    assert read_recording(other.folders[0]).facts["seed"] != first.facts["seed"]


def test_asked_again_it_goes_on(tmp_path: Path) -> None:
    """A level that is there twice would be learned from and validated on."""
    levels = []
    for _ in range(2):
        (folder,) = demonstrate("arena-1", MINUTES, tmp_path, noisy=0.0).folders
        levels.append(read_recording(folder).facts["seed"])
    assert levels[0] != levels[1]
    fresh = demonstrate("arena-1", 0.2, tmp_path / "fresh", noisy=0.0).folders[:2]
    assert [read_recording(folder).facts["seed"] for folder in fresh] == levels


def test_a_level_that_is_not_played_to_its_end_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C in the middle of one."""
    asked = iter([False] * 30 + [True] * 3)
    made = demonstrate("maze", 1.0, tmp_path, stopping=lambda: next(asked))
    assert (made.folders, made.ticks) == ([], 0)
    assert not list(tmp_path.iterdir())


def test_a_script_that_does_not_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it loses is not taught, and it does not lose for ever."""
    monkeypatch.setattr(ArcadeEnv, "expert", lambda self: NEUTRAL)
    monkeypatch.setattr(recording, "MOST_LOST", 2)
    with pytest.raises(NoDemonstration, match="lost arena-3 2 times running"):
        demonstrate("arena-3", 1.0, tmp_path, noisy=0.0)
    assert not list(tmp_path.iterdir())


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is seen before a level is played."""
    monkeypatch.setattr(recording, "KEEP_FREE", 2**62)
    with pytest.raises(NoDemonstration, match="GiB are free"):
        demonstrate("runner", 1.0, tmp_path)
    assert not list(tmp_path.iterdir())


def test_games_and_their_tasks(tmp_path: Path) -> None:
    """A game is all of its tasks, in turns."""
    assert tasks_of("road") == ["road-1", "road-2", "road-3"]
    assert {name for game in ("runner", "arena", "maze", "road", "pulse") for name in tasks_of(game)
            } == set(TASKS)  # fmt: skip
    with pytest.raises(NoDemonstration, match="no script plays 'supertux'"):
        demonstrate("supertux", 1.0, tmp_path)


@pytest.mark.parametrize(
    ("minutes", "noisy", "seed"),
    [(0.0, 0.5, 0), (float("inf"), 0.5, 0), (float("nan"), 0.5, 0), (1.0, 1.5, 0), (1.0, 0.5, -1)],
)
def test_what_makes_no_sense(minutes: float, noisy: float, seed: int, tmp_path: Path) -> None:
    """Said before anything is made."""
    with pytest.raises(NoDemonstration, match="minutes"):
        demonstrate("runner", minutes, tmp_path / "none", noisy=noisy, seed=seed)
    assert not (tmp_path / "none").exists()


def test_bursts_come_and_go() -> None:
    """Each is held for a while, and most of the time the script has the pad."""
    bursts = Bursts(np.random.default_rng(0))
    told = [bursts.next() for _ in range(6000)]
    lengths, length = [], 0
    for before, now in zip([None, *told], told, strict=False):
        if before is not None and now is not before:
            lengths.append(length)
            length = 0
        length += now is not None
    assert len(lengths) > 40
    assert SHORTEST <= min(lengths) <= max(lengths) <= LONGEST
    assert 0.08 < sum(one is not None for one in told) / len(told) < 0.3
