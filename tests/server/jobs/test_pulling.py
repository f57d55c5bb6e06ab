"""Checkpoints from a hub that we serve: whole, right, resumed, and nothing else with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nitropilot.policy import random_policy, save_policy
from nitropilot.server.errors import PullFailed
from nitropilot.server.jobs.hub import check_name
from nitropilot.server.jobs.pulling import PIECE, Wanted, choose
from tests.server.jobs.hub import COMMIT, Hub
from tests.server.processes import Daemon, command, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real checkpoint."""
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_policy(random_policy("tiny", 0), path)
    return path.read_bytes()


@pytest.fixture
def hub(weights: bytes) -> Iterator[Hub]:
    """A hub with a repository of a policy and of other things."""
    hub = Hub(
        {
            "model.safetensors": weights, "about.json": b'{"made": "here"}',
            "README.md": b"words", "train.py": b"import os", "pytorch_model.bin": b"\x80\x04",
            "deep/model.safetensors": weights, "huge.json": b" " * (5 * 2**20),
        }
    )  # fmt: skip
    yield hub
    hub.close()


def pull(home: Path, hub: Hub, name: str = "lab/policy") -> Any:
    """The command, with its result."""
    return command("policies", "pull", name, "--json", home=home, **client(hub, home))


def client(hub: Hub, home: Path) -> dict[str, str]:
    """How the hub's client is led to ours."""
    return {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "HF_TOKEN": "hf_not_for_the_log"}


def folder_of(home: Path) -> Path:
    return home / "data" / "models" / f"lab--policy@{COMMIT[:12]}"


def test_a_pulled_policy_can_be_played(hub: Hub, tmp_path: Path, weights: bytes) -> None:
    """What is needed comes, programs and pickles of other kinds do not."""
    done = pull(tmp_path, hub)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["revision"] == COMMIT
    assert {file["name"] for file in facts["files"]} == {"model.safetensors", "about.json"}
    assert facts["fetched"] == len(weights) + 16
    names = {path.name for path in folder_of(tmp_path).iterdir()}
    assert names == {"model.safetensors", "about.json", ".pull.lock"}
    inspected = command("policies", "inspect", facts["policy"], "--json", home=tmp_path)
    assert inspected.returncode == 0, inspected.stderr
    again = json.loads(pull(tmp_path, hub).stdout)
    assert again["fetched"] == 0
    assert "hf_not_for_the_log" not in done.stdout + done.stderr
    listed = command("policies", "list", "--json", home=tmp_path, **client(hub, tmp_path))
    found = {p["name"]: p for p in json.loads(listed.stdout)["policies"]}
    assert found[str(folder_of(tmp_path))]["facts"]["is_random"] is True
    assert found["random:tiny"]["place"] == "random"
    assert found["pocket"]["place"] == "shipped"
    assert found["pocket"]["facts"]["steps"] > 0


def test_a_broken_connection_goes_on_where_it_was(hub: Hub, tmp_path: Path, weights: bytes) -> None:
    """Two gigabytes over a bad line: what has come is not fetched twice."""
    hub.cuts = [len(weights) // 3, len(weights) // 3]
    done = pull(tmp_path, hub)
    assert done.returncode == 0, done.stderr
    assert (folder_of(tmp_path) / "model.safetensors").read_bytes() == weights
    third = len(weights) // 3
    starts = [int(asked.strip("bytes=-")) for asked in hub.ranges[:3] if asked]
    assert hub.ranges[0] is None
    assert third - PIECE < starts[0] <= third
    assert 2 * third - 2 * PIECE < starts[1] <= 2 * third
    assert hub.sent < len(weights) + 16 + 2 * PIECE


def test_another_process_goes_on_too(hub: Hub, tmp_path: Path, weights: bytes) -> None:
    """The machine was switched off in between."""
    folder = folder_of(tmp_path)
    folder.mkdir(parents=True)
    (folder / "model.safetensors.part").write_bytes(weights[:1000])
    done = pull(tmp_path, hub)
    assert json.loads(done.stdout)["fetched"] == len(weights) - 1000 + 16
    assert hub.ranges[0] == "bytes=1000-"
    assert (folder / "model.safetensors").read_bytes() == weights


@pytest.mark.parametrize("name", ["model.safetensors", "about.json"])
def test_wrong_content_is_not_kept(hub: Hub, tmp_path: Path, name: str) -> None:
    """A damaged or exchanged file must never get the name that is loaded."""
    hub.lies[name] = b"x" * len(hub.files[name])
    done = pull(tmp_path, hub)
    assert done.returncode == 2
    assert f"what came as {name} is not what the hub says" in done.stderr
    assert not (folder_of(tmp_path) / name).exists()
    assert not (folder_of(tmp_path) / f"{name}.part").exists()
    hub.lies.clear()
    assert pull(tmp_path, hub).returncode == 0


def test_a_half_file_of_other_content(hub: Hub, tmp_path: Path, weights: bytes) -> None:
    """What was left belongs to nothing that is there: begun anew by the next pull."""
    folder = folder_of(tmp_path)
    folder.mkdir(parents=True)
    (folder / "model.safetensors.part").write_bytes(b"y" * 1000)
    assert pull(tmp_path, hub).returncode == 2
    assert pull(tmp_path, hub).returncode == 0
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.part").write_bytes(b"y" * (len(weights) + 5))
    assert pull(tmp_path, hub).returncode == 0


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nobody/nothing", "the hub does not give nobody/nothing"),
        ("lab/policy@v9", "the hub does not give lab/policy@v9"),
        ("policy", "is no repository"),
        ("../../etc/passwd", "is no repository"),
        ("lab/..", "is no repository"),
        ("lab/policy@../main", "is no repository"),
        ("https://example.com/x", "is no repository"),
    ],
)
def test_wrong_names(hub: Hub, tmp_path: Path, name: str, says: str) -> None:
    """One line that says what to mend; nothing is made."""
    done = pull(tmp_path, hub, name)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()[-1:]) == 1
    assert not folder_of(tmp_path).exists()


def test_names_are_names() -> None:
    """A revision may be a branch, a tag or a commit."""
    assert check_name("nvidia/NitroGen", PullFailed) == ("nvidia/NitroGen", None)
    assert check_name("a/b@refs/pr/1", PullFailed) == ("a/b", "refs/pr/1")


def wanted(*names: str) -> list[Wanted]:
    return [Wanted(name, 10, "", "") for name in names]


def test_the_safest_weights_are_chosen() -> None:
    """A pickle that has a safe twin is not fetched; odd names never."""
    both = choose(wanted("ng.pt", "model.safetensors", "other.safetensors", "config.json"))
    assert [file.name for file in both] == ["model.safetensors", "config.json"]
    assert [file.name for file in choose(wanted("ng.pt", "x.py", "a.bin"))] == ["ng.pt"]
    for odd in (
        "../evil.safetensors",
        "a/b.safetensors",
        ".hidden.safetensors",
        "a\\b.pt",
        "a\0.pt",
    ):
        with pytest.raises(PullFailed, match=r"no \.safetensors"):
            choose(wanted(odd))


def test_no_room(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before the first byte, not after the last that fits."""
    from nitropilot.server.jobs.pulling import _check_room

    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=2**20))
    with pytest.raises(PullFailed, match="are to be fetched"):
        _check_room(tmp_path, wanted("a"))
    _check_room(tmp_path, [])


@pytest.fixture
def daemon(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon that pulls from our hub."""
    for name, value in client(hub, tmp_path).items():
        monkeypatch.setenv(name, value)
    daemon = Daemon(tmp_path, None, warm_start=True)
    yield daemon
    daemon.client.close()
    daemon.kill()


def test_a_job_with_progress(daemon: Daemon, hub: Hub, weights: bytes) -> None:
    """A page shows how far it is, and gets the name to play with at the end."""
    asked = {"kind": "pull", "name": "lab/policy@v1"}
    job = daemon.client.post("/api/v1/jobs", json=asked).json()
    lines = []
    with daemon.client.stream("GET", f"/api/v1/jobs/{job['id']}/progress") as stream:
        assert stream.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) for line in stream.iter_lines()]
    assert [line["id"] for line in lines] == [job["id"]] * len(lines)
    fractions = [line["fraction"] for line in lines]
    assert fractions == sorted(fractions)
    assert lines[-1]["state"] == "done", lines[-1]
    assert lines[-1] == daemon.client.get(f"/api/v1/jobs/{job['id']}").json()
    policy = lines[-1]["result"]["policy"]
    found = daemon.client.get("/api/v1/policies").json()["policies"]
    assert policy in {p["name"].rstrip("/") for p in found} | {
        p["name"] + "/model.safetensors" for p in found
    }


def test_a_cancelled_pull_goes_on_later(daemon: Daemon, hub: Hub, weights: bytes) -> None:
    """Cancel ends the process at once, and keeps what has come."""
    hub.go_on.clear()
    asked = {"kind": "pull", "name": "lab/policy"}
    job = daemon.client.post("/api/v1/jobs", json=asked).json()
    part = folder_of(daemon.home) / "model.safetensors.part"
    again = daemon.client.post("/api/v1/jobs", json=asked)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "job_refused")
    until(lambda: hub.sent > 0, "the first bytes")
    child = [
        p for p in psutil.Process(daemon.process.pid).children() if "job_child" in p.cmdline()[-1]
    ]
    assert len(child) == 1
    assert daemon.client.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
    assert not child[0].is_running()
    assert daemon.client.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
    assert not (folder_of(daemon.home) / "model.safetensors").exists()
    hub.go_on.set()
    kept = part.stat().st_size
    job = daemon.client.post("/api/v1/jobs", json=asked).json()
    until(lambda: daemon.client.get(f"/api/v1/jobs/{job['id']}").json()["state"] != "running", "it")
    ended = daemon.client.get(f"/api/v1/jobs/{job['id']}").json()
    assert ended["state"] == "done", ended
    assert ended["result"]["fetched"] == len(weights) - kept + 16


def test_a_job_ends_with_a_killed_daemon(daemon: Daemon, hub: Hub) -> None:
    """Nobody is left to cancel it."""
    hub.go_on.clear()
    daemon.client.post("/api/v1/jobs", json={"kind": "pull", "name": "lab/policy"})
    until(lambda: hub.sent > 0, "the first bytes")
    children = psutil.Process(daemon.process.pid).children(recursive=True)
    assert children
    daemon.process.kill()
    until(lambda: not any(child.is_running() for child in children), "its end")


def test_a_failed_job_says_why(daemon: Daemon) -> None:
    """The error has the same shape as everywhere."""
    job = daemon.client.post("/api/v1/jobs", json={"kind": "pull", "name": "lab/none"}).json()
    path = f"/api/v1/jobs/{job['id']}"
    until(lambda: daemon.client.get(path).json()["state"] == "failed", "the failure")
    error = daemon.client.get(path).json()["error"]
    assert error["code"] == "pull_failed"
    assert "lab/none" in error["message"]
    assert [j["id"] for j in daemon.client.get("/api/v1/jobs").json()] == [job["id"]]
    assert daemon.client.get("/api/v1/jobs/none").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {}, {"kind": "x"}, {"kind": "pull"}, {"kind": "pull", "name": "../x"},
        {"kind": "pull", "name": "a/b", "folder": "/etc"},
        {"kind": "build", "policy": "random:tiny"},
        {"kind": "build", "policy": "random:tiny", "engine": "onnx"},
        {"kind": "build", "policy": "random:tiny", "engine": "torch", "out": "/etc/x"}, [], "pull",
    ],
)  # fmt: skip
def test_wrong_jobs(daemon: Daemon, body: Any) -> None:
    """Nothing begins, and no path of the client's is written to."""
    answer = daemon.client.post("/api/v1/jobs", json=body)
    assert answer.status_code == 422
    assert daemon.client.get("/api/v1/jobs").json() == []


def test_a_build_job(daemon: Daemon) -> None:
    """OpenVINO, for real, in a process beside the daemon."""
    pytest.importorskip("openvino")
    asked = {"kind": "build", "policy": "random:tiny", "engine": "openvino"}
    job = daemon.client.post("/api/v1/jobs", json=asked).json()
    path = f"/api/v1/jobs/{job['id']}"
    until(lambda: daemon.client.get(path).json()["state"] != "running", "the build")
    ended = daemon.client.get(path).json()
    assert ended["state"] == "done", ended
    assert ended["result"]["built"][0]["name"] == "openvino on cpu"
