"""Pad traces hold every bit of what was pressed, and nothing else is taken for one."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

from nitropilot.simulator.arcade.core.pad import pad
from nitropilot.simulator.arcade.core.world import Outcome
from nitropilot.simulator.arcade.tasks import TASKS
from nitropilot.simulator.arcade.trials import expert, play
from nitropilot.simulator.benchmark.results.errors import DamagedResult
from nitropilot.simulator.benchmark.results.files import file_digest
from nitropilot.simulator.benchmark.results.traces import read_trace, write_trace
from nitropilot.simulator.environments.actions import WIDTH, action_of, pad_state
from tests.simulator.benchmark.made import actions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where traces may lie."""
    (tmp_path / "traces").mkdir()
    return tmp_path


@settings(deadline=None, max_examples=50)
@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=1, max_dims=1, max_side=40).map(
    lambda shape: (shape[0], WIDTH)), elements={"allow_nan": False, "allow_infinity": False},
))  # fmt: skip
def test_every_bit_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    pressed: np.ndarray[tuple[int, int], np.dtype[np.float32]],
) -> None:
    """A rounded stick is another play after a minute."""
    folder = tmp_path_factory.mktemp("trace")
    (folder / "traces").mkdir()
    trace = write_trace(folder, 12, pressed)
    assert trace.file == "traces/000012.npz"
    assert trace.sha256 == file_digest(folder / trace.file)
    assert read_trace(folder / trace.file).tobytes() == pressed.tobytes()


@pytest.mark.parametrize("name", ["runner-1", "arena-1", "maze-1", "road-1", "pulse-1"])
def test_a_trace_plays_the_same_again(folder: Path, name: str) -> None:
    """What the traces are kept for: who doubts a score plays them."""
    task = TASKS[name]
    played = play(task, 7, expert(task, 7))
    trace = write_trace(folder, 0, np.stack([action_of(state) for state in played.trace]))
    world = task.rules.new(7, task.level)
    for action in read_trace(folder / trace.file):
        assert world.outcome is Outcome.PLAYING
        world.step(pad(pad_state(action)))
    assert (world.outcome is Outcome.WON, world.progress, world.tick) == played[:3]
    assert played.won


def test_the_same_play_is_the_same_file(folder: Path) -> None:
    """Then two runs can be compared by their checksums."""
    assert write_trace(folder, 0, actions()).sha256 == write_trace(folder, 1, actions()).sha256


def test_it_is_small(folder: Path) -> None:
    """A minute of random play, which changes every 8 ticks, is a few kilobytes."""
    path = folder / write_trace(folder, 0, np.repeat(actions(steps=450), 8, axis=0)).file
    assert path.stat().st_size < 20_000


def bomb(path: Path) -> None:
    """What unpacks to more than any memory."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, \
            file.open("actions.npy", "w", force_zip64=True) as member:  # fmt: skip
        for _ in range(300):
            member.write(bytes(2**20))


def boaster(path: Path) -> None:
    """What says that it is larger than any memory, and is not."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f4", "fortran_order": False, "shape": (2**50, 20)}
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("actions.npy", head.getvalue())


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b"PK"),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-30]),
        lambda path: path.write_bytes(path.read_bytes()[:90] + b"x" + path.read_bytes()[91:]),
        lambda path: np.savez(path, other=actions()),
        lambda path: np.savez(path, actions=actions().astype(float)),
        lambda path: np.savez(path, actions=actions()[:, :19]),
        lambda path: np.savez(path, actions=np.full((3, 20), np.inf, np.float32)),
        lambda path: np.savez(path, actions=np.array([{}], object)),
        bomb,
        boaster,
    ],
)
def test_what_is_no_trace_is_said(folder: Path, write: object) -> None:
    """One error for all of it, that names the file; and nothing in it is executed."""
    path = folder / write_trace(folder, 0, actions()).file
    assert callable(write)
    write(path)
    with pytest.raises(DamagedResult, match=r"000000\.npz"):
        read_trace(path)
