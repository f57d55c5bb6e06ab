"""What the scripts teach: every sample is what the script would press from its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.controller.state import Button, GamepadState
from nitropilot.pocket.learning.objective import widened
from nitropilot.pocket.samples import recording
from nitropilot.pocket.samples.actions import bytes_of, channels_of, plan, states_of
from nitropilot.pocket.samples.charts import BYTES, CELLS, KINDS, by_patch, chart_of
from nitropilot.pocket.samples.driving import Level
from nitropilot.pocket.samples.pool import Samples, has_pool, make_pool, read_pool, write_pool
from nitropilot.pocket.samples.recording import record
from nitropilot.simulator.arcade.core.places import Kind
from nitropilot.simulator.arcade.game import Game
from nitropilot.simulator.demonstrations.bursts import Bursts

if TYPE_CHECKING:
    from pathlib import Path

SIZE, HORIZON = 64, 16
KEY = (2,)
"""Its first level has foreign input, its second has none."""


def test_a_pad_comes_back_from_its_bytes() -> None:
    """Buttons and pulled triggers exactly, sticks within a byte, rest exactly; y keeps its way."""
    states = [
        GamepadState(),
        GamepadState((0.3, -0.8), (-1.0, 1.0), 1.0, 0.0, Button.A | Button.X),
        GamepadState((0.0, 1.0), (0.0, 0.0), 0.0, 1.0, Button.DPAD_LEFT | Button.B),
    ]
    kept = torch.from_numpy(channels_of(bytes_of(states)))
    back = states_of(widened(kept).numpy())
    assert back[0] == GamepadState()
    for one, other in zip(states, back, strict=True):
        assert other.buttons == one.buttons
        assert (other.left_trigger, other.right_trigger) == (one.left_trigger, one.right_trigger)
        assert (*other.left, *other.right) == pytest.approx((*one.left, *one.right), abs=2 / 254)


@pytest.mark.parametrize("task", ["runner-1", "arena-2", "maze-1", "road-1", "pulse-1"])
def test_whoever_presses_what_is_taught_wins(task: str) -> None:
    """Half of each planned chunk, through bytes and back, as a policy that learned it all plays."""
    level = Level(task, 500_000)
    while not level.over:
        taught = channels_of(bytes_of(plan(level.game.rules, level.game.world, HORIZON)))
        level.play(widened(torch.from_numpy(taught)).numpy()[: HORIZON // 2])
    assert level.won


def test_planning_leaves_the_world_as_it_is() -> None:
    """What is planned is what then happens, and planning is no step."""
    game = Game("arena")
    game.reset(3, 1)
    planned = plan(game.rules, game.world, HORIZON)
    assert game.world.tick == 0
    pressed = []
    for _ in range(HORIZON):
        pressed.append(game.expert())
        game.step(pressed[-1])
    assert planned == pressed


def test_the_same_key_records_the_same() -> None:
    """And another one something else."""
    one, same, other = (record("pulse", 40, key, SIZE, HORIZON, 0.5) for key in ((1,), (1,), (2,)))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one.frames, other.frames)
    assert one.frames.shape == (40, SIZE, SIZE, 3)
    assert one.charts.shape == (40, BYTES)
    assert one.actions.shape == (40, HORIZON, 25)


def test_what_a_burst_presses_is_not_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Foreign input steers the game to other places; what is taught there is the script's."""
    foreign = GamepadState(buttons=Button.BACK)
    monkeypatch.setattr(Bursts, "next", lambda _self: foreign)
    monkeypatch.setattr("nitropilot.pocket.samples.recording._won", lambda _game: True)
    actions = record("runner", 20, (0,), SIZE, HORIZON, 1.0).actions
    back = 0
    assert actions[:, :, back].max() == 0
    assert actions.max() == 254


def test_levels_that_are_lost_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where foreign input drives off the road, only the levels without it are kept."""
    monkeypatch.setattr(Bursts, "next", lambda _self: GamepadState(left=(-1.0, 0.0)))
    verdicts: list[bool] = []
    won = recording._won

    def watched(game: Game) -> bool:
        verdicts.append(won(game))
        return verdicts[-1]

    monkeypatch.setattr(recording, "_won", watched)
    frames = record("road", 3, KEY, SIZE, HORIZON, 0.5).frames
    assert verdicts.count(True) == 1
    assert False in verdicts, "this key has no noisy level before a clean one"
    assert len(frames) == 3


def test_a_pool_is_whole_or_not_there(tmp_path: Path) -> None:
    """What was interrupted between its files is made anew."""
    samples = record("pulse", 12, (1,), SIZE, HORIZON, 0.0)
    for kind in ("frames", "charts"):
        np.save(tmp_path / f"pulse.{kind}.npy", samples.frames[:3])
        assert not has_pool(tmp_path, "pulse")
    write_pool(tmp_path, "pulse", samples)
    assert has_pool(tmp_path, "pulse")
    pool = read_pool(tmp_path, "pulse", 3.0)
    for kept, made in zip(pool.samples, samples, strict=True):
        assert np.array_equal(kept, made)
    assert {path.name for path in tmp_path.iterdir()} == {
        "pulse.frames.npy", "pulse.charts.npy", "pulse.actions.npy",
    }  # fmt: skip


def test_a_chart_says_what_is_where_by_patch() -> None:
    """Each patch of the picture is told its own part, whatever the shape of the network."""
    game = Game("maze")
    game.reset(7, 2)
    whole = game.places(CELLS)
    packed = np.stack([chart_of("maze", game.world)] * 2)
    for side in (4, 8):
        inside = CELLS // side
        told = by_patch(packed, side).numpy()
        assert told.shape == (2, side * side, KINDS, inside * inside)
        for row, column in ((0, 0), (1, 3), (3, 2)):
            part = whole[
                :, inside * row : inside * (row + 1), inside * column : inside * (column + 1)
            ]
            found = told[1, row * side + column].reshape(KINDS, inside, inside)
            assert np.array_equal(found, part)
    assert whole[Kind.SOLID].any()


def test_chunks_in_which_something_changes_are_drawn_more_often() -> None:
    """Three times as often as the others."""
    actions = np.zeros((4, HORIZON, 25), np.uint8)
    actions[2, 8:, 4] = 254
    blank = np.zeros((4, 2, 2, 3), np.uint8), np.zeros((4, BYTES), np.uint8)
    pool = make_pool(Samples(*blank, actions), 3.0)
    counts = np.bincount(pool.draw(np.random.default_rng(0), 6000), minlength=4)
    assert counts[2] / 6000 == pytest.approx(0.5, abs=0.03)
    assert counts[[0, 1, 3]] / 6000 == pytest.approx(1 / 6, abs=0.03)
