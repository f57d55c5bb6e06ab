"""``nitropilot replay`` of what ``nitropilot play`` has left, by its output and exit status."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.agent.record.trace import read_trace
from nitropilot.policy import random_policy, save_policy
from tests.server.conftest import needs_preload
from tests.server.policy_server.processes import policy_server
from tests.server.processes import POLICY, ROOT, command, environment, until
from tests.support import warm

if TYPE_CHECKING:
    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

TORCH = ("--engine", "torch")


def play_words(policy: str | Path, out: Path, *more: str) -> tuple[str, ...]:
    """Play Runner for a moment, with all frames kept."""
    return (
        "play", "--launch", "runner", "--policy", str(policy), *TORCH, "--mode", "paused",
        "--seconds", "1", "--trace-frames", "--json", "--out", str(out), *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy that is a file."""
    path = tmp_path_factory.mktemp("models") / "a policy.safetensors"
    save_policy(random_policy("tiny", 0), path)
    return path


@pytest.fixture(scope="module")
def played(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a session that has ended; to be copied, not changed."""
    needs_preload()
    home = tmp_path_factory.mktemp("played")
    done = command(*play_words(checkpoint, home / "out"), home=home)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["trace_warning"] == ""
    return Path(facts["trace"]).parent


@pytest.fixture
def folder(played: Path, tmp_path: Path) -> Path:
    """One of its own for each test."""
    shutil.copytree(played, tmp_path / "session")
    return tmp_path / "session"


def replay(
    folder: Path, *more: str, status: int = 0, json_too: bool = True, **variables: str
) -> tuple[dict[str, Any], str]:
    """What it prints, and what it says on stderr."""
    words = ("replay", str(folder), *more, *(("--json",) if json_too else ()))
    done = command(*words, home=folder.parent, **variables)
    assert done.returncode == status, (done.stdout, done.stderr)
    said = [line for line in done.stderr.splitlines() if "random weights" not in line]
    if status:
        assert len(said) == 1, done.stderr
        assert said[0].startswith("nitropilot: ")
    facts: dict[str, Any] = json.loads(done.stdout) if done.stdout and json_too else {}
    return facts, "".join(said)


def test_the_same_engine_gives_the_same_bits(folder: Path, checkpoint: Path) -> None:
    """The trace knows the policy's file, whatever folder one stands in; equality shows."""
    facts, said = replay(folder, *TORCH)
    assert said == ""
    assert facts["trace"] == "complete"
    assert facts["chunks"] == facts["replayed"] == facts["identical"] > 0
    assert (facts["worst_error"], facts["same_buttons"]) == (0, 1)
    assert facts["played_on"] == facts["replayed_on"]
    header = next(read_trace(folder / "trace.jsonl.gz"))
    assert header["policy"]["file"] == str(checkpoint)
    assert header["engine"]["reason"].startswith("asked for")
    alone, _ = replay(folder, *TORCH, "--chunk", "1")
    assert alone["replayed"] == alone["identical"] == 1
    assert len(alone["actions"]) == 16
    assert "is not kept" in replay(folder, *TORCH, "--chunk", "99999", status=2)[1]


def test_the_steps_of_the_play(checkpoint: Path, tmp_path: Path) -> None:
    """A replay with the policy's own steps would decide otherwise, and nobody knew why."""
    needs_preload()
    done = command(*play_words(checkpoint, tmp_path / "out", "--steps", "3"), home=tmp_path)
    assert done.returncode == 0, done.stderr
    played = json.loads(done.stdout)
    assert played["steps"] == 3
    assert "3 Euler steps, asked for" in played["engine_reason"]
    facts, _ = replay(Path(played["trace"]).parent, *TORCH)
    assert facts["identical"] == facts["chunks"] > 0


def test_a_policy_that_was_moved(folder: Path, checkpoint: Path) -> None:
    """It is named by whoever knows where it is now; and no other is taken for it."""
    moved = checkpoint.with_name("moved.safetensors")
    checkpoint.rename(moved)
    try:
        said = replay(folder, *TORCH, status=2)[1]
        assert str(checkpoint) in said
        assert "--policy" in said
        assert replay(folder, *TORCH, "--policy", str(moved))[0]["identical"] > 0
        save_policy(random_policy("tiny", 1), checkpoint)
        assert "and this one is" in replay(folder, *TORCH, status=2)[1]
    finally:
        moved.replace(checkpoint)


def test_half_a_session_is_no_success(folder: Path) -> None:
    """What can be replayed is, and the exit status says that it was not all."""
    whole, _ = replay(folder, *TORCH)
    path = folder / "decisions" / "000000.frames"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    facts, said = replay(folder, *TORCH, status=1)
    assert 0 < facts["replayed"] < facts["chunks"] == whole["chunks"]
    assert f"ends after {facts['replayed']} decisions" in said
    replay(folder, *TORCH, status=1, json_too=False)
    path.write_bytes(path.read_bytes()[:2000])
    assert "ends after 0 decisions" in replay(folder, *TORCH, status=2)[1]


def test_half_a_trace_is_no_success(folder: Path) -> None:
    """Otherwise one takes the chunks that it names for all there were."""
    path = folder / "trace.jsonl.gz"
    path.write_bytes(path.read_bytes()[:3000])
    facts, said = replay(folder, *TORCH, status=1)
    assert facts["trace"].startswith("cut off after line")
    assert "has no end after line" in said


@pytest.mark.parametrize("line", ["[]", '{"type": "chunk", "i": 0, "actions": "text"}'])
def test_a_damaged_trace_is_one_line(folder: Path, line: str) -> None:
    """Which line it is, and no traceback."""
    header = json.dumps(next(read_trace(folder / "trace.jsonl.gz")))
    (folder / "trace.jsonl").write_text(f"{header}\n{line}\n")
    assert "trace.jsonl: line 2: " in replay(folder / "trace.jsonl", *TORCH, status=2)[1]


def test_on_a_policy_server(folder: Path, checkpoint: Path, tmp_path: Path) -> None:
    """`--engine remote` asked for a --server, which there was not."""
    said = replay(folder, "--engine", "remote", status=2)[1]
    assert "--server" in said
    said = replay(folder, *TORCH, "--server", "ws://127.0.0.1:9", status=2)[1]
    assert "goes with no other engine" in said
    with policy_server(tmp_path / "server", policy=str(checkpoint)) as server:
        facts, _ = replay(folder, "--server", server.address)
        assert facts["chunks"] == facts["replayed"] == facts["identical"]
        assert facts["replayed_on"].startswith("remote")
        more = ("--engine", "remote", "--server", server.address, "--policy", str(checkpoint))
        assert "leave --policy out" in replay(folder, *more, status=2)[1]
    with policy_server(tmp_path / "other", policy="random:tiny:5") as server:
        assert "and this one is" in replay(folder, "--server", server.address, status=2)[1]


def test_frames_that_could_not_be_kept_are_no_success(tmp_path: Path) -> None:
    """A script that plays a night for its frames has to see that there are none."""
    needs_preload()
    words = play_words(POLICY, tmp_path / "out")
    blocked = (
        "import runpy\n"
        "from nitropilot.agent.record import decisions\n"
        "decisions.FOLDER = 'game.log/decisions'\n"
        "runpy.run_module('nitropilot', run_name='__main__', alter_sys=True)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked, *words], cwd=ROOT, env=environment(tmp_path, None),
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    facts = json.loads(done.stdout)
    assert facts["state"] == "stopped"
    assert "cannot keep what the policy is shown in" in facts["trace_warning"]
    assert done.stderr.count(f"nitropilot: {facts['trace_warning']}") == 1
    folder = Path(facts["trace"]).parent
    *_, end = read_trace(folder / "trace.jsonl.gz")
    assert end["decisions_left_out"] == facts["chunks"] > 0
    assert end["decisions_warning"] == facts["trace_warning"]
    assert end["decisions_warning"] in replay(folder, *TORCH, status=2)[1]


def test_a_play_that_was_killed(
    tmp_path: Path, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """What it decided in its last seconds is what one wants to know; nothing of it was kept."""
    words = (
        "play", "--pid", str(game.pid), "--display", x_display.name, "--policy", POLICY, *TORCH,
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    log = (tmp_path / "log").open("wb")
    with log:
        process = warm.start(words, environment(tmp_path, x_display.name), ROOT, log, log)
    try:
        found = until(lambda: list(tmp_path.glob("out/**/000000.frames")), "frames")
        until(lambda: found[0].stat().st_size > 20_000, "some chunks")
        facts, _ = replay(found[0].parent.parent, *TORCH)
        assert facts["trace"] == "still being written"
        assert facts["identical"] == facts["replayed"] > 0
    finally:
        process.kill()
        process.wait()
    facts, said = replay(found[0].parent.parent, *TORCH, status=1)
    assert facts["identical"] == facts["replayed"] >= facts["chunks"] > 0
    assert "the play was killed" in said
