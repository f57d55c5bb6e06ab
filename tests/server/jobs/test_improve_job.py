"""A policy learns as a job: what a request means, what comes of it, and what the API says."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.policy import fingerprint, load_policy
from nitropilot.server.errors import ImproveRefused
from nitropilot.server.improving.history import HistoryStore
from nitropilot.server.improving.known import Candidate
from nitropilot.server.jobs.improve_job import improve_job
from nitropilot.server.jobs.job_kinds import ImproveRequest
from nitropilot.simulator.benchmark.runner.stage import GameFailed
from tests.server.processes import Daemon
from tests.training.making import name_of, recording, small_policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD = "0" * 64


def filled(home: Path) -> Path:
    """A recording in which a human took over, one in which nobody did, and a policy."""
    root = home / "data" / "recordings"
    recording(root, 0, 30, sources=["agent"] * 15 + ["human"] * 15, policy=OLD)
    recording(root, 1, 30, sources=["agent"] * 30, policy=OLD)
    small_policy(home / "small.safetensors")
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Files of a user's."""
    home = filled(tmp_path_factory.mktemp("improve"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NITROPILOT_DATA", str(home / "data"))
        yield home


def done(home: Path, **more: Any) -> dict[str, Any]:
    """What a job's process answers, in this one."""
    values = {"kind": "improve", "game": "squares", "steps": 2, "batch_size": 2, **more}
    request = ImproveRequest.model_validate_json(json.dumps(values))
    told: list[float] = []
    result = improve_job(
        request,
        home / "models",
        home / "data" / "recordings",
        lambda _step, part: told.append(part),
    )
    assert told == sorted(told)
    return result


def test_what_is_asked_for_is_learned(home: Path) -> None:
    """Corrections alone, everything, or the recordings that are named; estimates make nothing."""
    policy = str(home / "small.safetensors")
    asked: list[tuple[dict[str, Any], int]] = [
        ({}, 1), ({"learn": "recordings"}, 2),
        ({"learn": "recordings", "recordings": [name_of(1)]}, 1),
    ]  # fmt: skip
    for more, count in asked:
        found = done(home, policy=policy, estimate=True, **more)
        assert found["data"]["recordings"] == count
        assert (found["estimate"]["steps"], found["estimate"]["batch_size"]) == (2, 2)
    assert not (home / "models").exists()
    with pytest.raises(ImproveRefused, match="teach nothing"):
        done(home, policy=policy, steps=None, minutes=1e-6)


def test_what_comes_of_it_is_offered_and_learns_on(home: Path) -> None:
    """Nothing of the run is left; what is accepted needs no name the next time.

    What a killed run left goes too, and what another process is doing stays.
    """
    dead = home / "data" / "improving" / f"{os.getpid()}-1"
    dead.mkdir(parents=True)
    policy = str(home / "small.safetensors")
    result = done(home, policy=policy, learn="recordings")
    assert (result["old"], result["verdict"], result["training"]["steps"]) == (policy, "offered", 2)
    assert fingerprint(result["new"]) == result["fingerprint"] != fingerprint(policy)
    assert load_policy(result["new"])
    assert not dead.parent.exists()
    own = done(home, estimate=True, steps=1, limit_minutes=10**4, hz=60.0)
    assert own["old"] == "pocket"
    HistoryStore().accept("squares")
    assert done(home, estimate=True)["old"] == result["new"]


def test_a_comparison_that_fails_costs_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was trained is whole: it is offered, and said to be unmeasured."""

    def fails(*_what: Any) -> None:
        raise GameFailed("game crashed", "the level ended in smoke")

    monkeypatch.setattr("nitropilot.server.improving.improving.compare", fails)
    policy = str(home / "small.safetensors")
    result = done(home, policy=policy, learn="recordings", play="pulse-1", limit_minutes=10**4)
    assert (result["verdict"], result["comparison"]) == ("offered", None)
    assert "could not be compared: the level ended in smoke" in result["found"]
    assert load_policy(result["new"])


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One with a candidate."""
    home = filled(tmp_path_factory.mktemp("daemon"))
    old, new = home / "small.safetensors", small_policy(home / "new.safetensors", seed=1)
    store = HistoryStore(home / "data" / "improved.json")
    store.offer(
        "squares",
        Candidate(
            policy=str(new), fingerprint="1" * 64, came_from=str(old), before=OLD, made="now",
            verdict="offered", found="nobody knows",
        ),
    )  # fmt: skip
    daemon = Daemon(home, None, warm_start=True)
    yield daemon
    daemon.client.close()
    daemon.kill()


def test_accepted_and_back_by_the_api(daemon: Daemon) -> None:
    """What is offered plays once it is accepted, and not before; takeovers are counted."""
    (known,) = daemon.client.get("/api/v1/improvements").json()
    assert (known["used"], known["played"]) == (None, [])
    (known,) = daemon.client.post("/api/v1/improvements/count").json()
    (played,) = known["played"]
    assert (played["takeovers"], played["minutes"]) == (1, pytest.approx(45 / 20 / 60))
    assert known["proposal"].startswith("play ")
    body = {"game": "squares"}
    (known,) = daemon.client.post("/api/v1/improvements/accept", json=body).json()
    new, old = (str(daemon.home / f"{name}.safetensors") for name in ("new", "small"))
    assert (known["used"], known["previous"], known["offered"]) == (new, old, None)
    again = daemon.client.post("/api/v1/improvements/accept", json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "improve_refused")
    (known,) = daemon.client.post("/api/v1/improvements/back", json=body).json()
    assert (known["used"], known["offered"]) == (old, new)


def test_a_job_says_what_cannot_be_done(daemon: Daemon) -> None:
    """In the words of the command, from the job's own process."""
    wanted = {"kind": "improve", "game": "chess", "policy": str(daemon.home / "small.safetensors")}
    job = daemon.client.post("/api/v1/jobs", json=wanted).json()
    with daemon.client.stream("GET", f"/api/v1/jobs/{job['id']}/progress") as stream:
        last = json.loads([*stream.iter_lines()][-1])
    assert (last["kind"], last["state"]) == ("improve", "failed")
    assert last["error"]["code"] == "improve_refused"
    assert "there is no recording of chess" in last["error"]["message"]
