"""Several processes train what one would: real ones, over gloo, as ``torchrun`` starts them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import torch

from nitropilot.policy import load_policy
from nitropilot.training.errors import BadSettings
from nitropilot.training.processes.joining import ranks_of
from nitropilot.training.processes.ranks import ALONE, Ranks
from nitropilot.training.trainer.files import NEWEST, STATE, load_state
from nitropilot.training.trainer.logs import read_log
from nitropilot.training.trainer.running import train
from tests.server.processes import ROOT, environment
from tests.support import warm
from tests.training.making import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.warm import Process

CURVE = ("loss", "learning_rate", "gradient_norm", "held_out_loss", "held_out_f1")
RUN: dict[str, Any] = {
    "steps": 6, "held_out": 0.2, "validate_every": 3, "save_every": 100, "colour": 0.2,
    "batch_size": 5, "decay": 0.0, "before_takeover": 0.0, "anchor": 0.5,
}  # fmt: skip
"""A batch that two processes cannot halve; an even schedule, so that a run may be longer."""
ENDLESS = 10**6


def words(material: Path, out: Path, **more: Any) -> tuple[str, ...]:
    """The command that does what ``told`` says."""
    told_so = told(material, **{**RUN, **more})
    file = out.with_suffix(".toml")
    lines = []
    for section, fields in told_so.model_dump(mode="json").items():
        lines.append(f"[{section}]")
        lines += [f"{name} = {json.dumps(v)}" for name, v in fields.items() if v is not None]
    file.write_text("\n".join(lines), encoding="utf-8")
    return "train", "--config", str(file), "--out", str(out), "--json"


class Pair:
    """Two processes of one run, each with a file for what it prints and one for its errors."""

    def __init__(self, arguments: tuple[str, ...], folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        base = {
            **environment(folder / "home", None),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
        }
        self.processes: list[Process] = []
        self._said = [folder / f"said.{rank}" for rank in range(2)]
        self._errors = [folder / f"errors.{rank}" for rank in range(2)]
        for rank in range(2):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
            with self._said[rank].open("w") as said, self._errors[rank].open("w") as errors:
                self.processes.append(warm.start(arguments, {**base, **own}, ROOT, said, errors))

    def wait(self) -> list[int]:
        """Their exit statuses."""
        return [process.wait(600) for process in self.processes]

    def said(self, rank: int) -> str:
        """What one printed."""
        return self._said[rank].read_text()

    def errors(self, rank: int) -> str:
        """What one said on stderr."""
        return self._errors[rank].read_text()


@contextmanager
def pair_of(arguments: tuple[str, ...], folder: Path) -> Iterator[Pair]:
    """A pair that is not left behind."""
    (folder / "home").mkdir(parents=True)
    pair = Pair(arguments, folder)
    try:
        yield pair
    finally:
        for process in pair.processes:
            process.kill()
            process.wait(600)


@pytest.fixture(scope="module")
def alone(material: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run as one process does it."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("alone") / "out"
    train(told(material, **RUN), folder)
    return folder


def require_same_curve(one: Path, other: Path) -> None:
    """Every row of both logs, to what float32 leaves of sums in another order."""
    rows, wanted = read_log(one), read_log(other)
    assert [row["step"] for row in rows] == [row["step"] for row in wanted]
    for row, its in zip(rows, wanted, strict=True):
        for name in CURVE:
            assert bool(row[name]) == bool(its[name])
            if row[name]:
                assert float(row[name]) == pytest.approx(float(its[name]), rel=2e-3), row["step"]
    a, b = (load_policy(folder / NEWEST).state_dict() for folder in (one, other))
    far = max(float((a[name] - b[name]).abs().max()) for name in a)
    assert far < 2e-3  # a weight without a gradient worth naming moves by the rate either way


def test_torchrun_reaches_what_one_process_does(
    material: Path, alone: Path, tmp_path: Path
) -> None:
    """The same batches, draws, gradients, average and choice; one of them writes and speaks."""
    out = tmp_path / "out"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2",
                "--master-port", "0", "--standalone", "-m", "nitropilot"]  # fmt: skip
    done = subprocess.run(
        [*torchrun, *words(material, out)], cwd=ROOT, capture_output=True, text=True,
        env=environment(tmp_path, None), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["ended"], found["steps"]) == ("done", 6)
    require_same_curve(out, alone)
    files = {path.name for path in alone.iterdir()} | {"report.html"}
    assert {path.name for path in out.iterdir()} == files


def begun(pair: Pair, out: Path, steps: int) -> None:
    """Wait until a run has done so many steps."""
    while len(read_log(out)) < steps:
        assert [process.poll() for process in pair.processes] == [None, None], pair.errors(0)
        time.sleep(0.05)


class Story(NamedTuple):
    """A run of two processes that share weights, then of two that copy them, then of one.

    Attributes:
        out: Its folder.
        interrupted: What the first pair said, as JSON.
        stopped: The step of the state that it left.
        statuses: Of the second pair, whose second process was killed.
        errors: What the first process of it said.
        kept: The step of the state that it left.
        parts: Half-written files that were there then.
    """

    out: Path
    interrupted: dict[str, Any]
    stopped: int
    statuses: list[int]
    errors: str
    kept: int
    parts: list[Path]


def step_of(out: Path) -> int:
    """The step of a run's state."""
    state = load_state(out)
    assert state is not None
    return int(state["step"])


@pytest.fixture(scope="module")
def story(material: Path, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Ctrl-C, heard by one, and twice, as torchrun passes it on; then a death; then an end."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("story")
    out = folder / "out"
    more = {"steps": ENDLESS, "validate_every": ENDLESS, "save_every": 1}
    with pair_of(words(material, out, fsdp=True, **more), folder / "first") as pair:
        begun(pair, out, 2)
        for _ in range(2):
            pair.processes[1].send_signal(signal.SIGINT)
        assert pair.wait() == [0, 0], pair.errors(0) + pair.errors(1)
        interrupted = json.loads(pair.said(0))
        assert pair.said(1) == ""
    stopped = step_of(out)
    with pair_of(words(material, out, **more), folder / "second") as pair:
        begun(pair, out, stopped + 2)
        os.kill(pair.processes[1].pid, signal.SIGKILL)
        statuses, errors = pair.wait(), pair.errors(0)
    kept = step_of(out)
    parts = [*out.glob("*.part")]
    train(told(material, **{**RUN, **more, "steps": kept + 1}), out)
    return Story(out, interrupted, stopped, statuses, errors, kept, parts)


def test_ctrl_c_writes_one_checkpoint(story: Story) -> None:
    """Whoever hears it: all end after the same step, which is written."""
    assert story.interrupted["ended"] == "interrupted"
    assert story.interrupted["steps"] == story.stopped >= 2


def test_a_killed_process_ends_the_others(story: Story) -> None:
    """Who waits for a process that is gone waits for ever; the last checkpoint is whole."""
    assert story.statuses[0] == 2
    assert "another process of this run has ended" in story.errors
    assert "Traceback" not in story.errors
    assert f"{story.out / STATE} holds step {story.kept}, the last good one" in story.errors
    assert story.kept > story.stopped
    assert not story.parts


def test_a_run_goes_on_with_another_count(story: Story, material: Path, tmp_path: Path) -> None:
    """Split weights, whole ones, one process: together they are the run that one alone does."""
    more = {"steps": story.kept + 1, "validate_every": ENDLESS, "save_every": ENDLESS}
    train(told(material, **{**RUN, **more}), tmp_path / "out")
    require_same_curve(story.out, tmp_path / "out")


def test_one_error_is_known_to_all(material: Path, tmp_path: Path) -> None:
    """Before the first step, too, nobody is left waiting for who has refused."""
    gone = str(tmp_path / "gone.safetensors")
    with pair_of(words(material, tmp_path / "out", policy=gone), tmp_path / "pair") as pair:
        assert pair.wait() == [2, 2]
        assert "there is no file" in pair.errors(0)
        assert "process 0 of 2 ended: there is no file" in pair.errors(1)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"WORLD_SIZE": "4"}, "WORLD_SIZE is '4', and RANK is not set"),
        ({"WORLD_SIZE": "4", "RANK": "0", "LOCAL_RANK": "0"}, "MASTER_ADDR is not set"),
        ({"WORLD_SIZE": "x", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "", "MASTER_PORT": ""},
         "WORLD_SIZE is 'x', which is no number"),
        ({"WORLD_SIZE": "1", "RANK": "3", "LOCAL_RANK": "0"}, "RANK is 3 and LOCAL_RANK 0, of 1"),
    ],
    ids=["rank", "address", "number", "beyond"],
)  # fmt: skip
def test_variables_that_are_not_whole(variables: Mapping[str, str], line: str) -> None:
    """Half of them would be a process that waits for others that never come."""
    with pytest.raises(BadSettings, match=line):
        ranks_of(variables)


def test_without_variables_one_process_trains() -> None:
    """Nothing is joined, and nothing divided."""
    assert ranks_of({}) == ALONE
    assert list(range(5))[ALONE.part] == [0, 1, 2, 3, 4]
    assert torch.equal(ALONE.of_first_tensors({"a": [torch.ones(2)]})["a"][0], torch.ones(2))


def test_a_batch_for_everybody() -> None:
    """A process without a sample has no gradient to share."""
    Ranks(1, 2, 1).require_rows(2)
    with pytest.raises(BadSettings, match="a batch of 1 is too small for 2 processes"):
        Ranks(1, 2, 1).require_rows(1)
