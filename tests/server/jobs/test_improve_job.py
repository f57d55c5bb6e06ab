"""A policy learns as a job of the daemon: the estimate, the run, what is offered, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.policy import load_policy
from tests.server.processes import Daemon, until
from tests.training.making import recording, small_policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD = "0" * 64
LONG = {"minutes": 1000.0, "limit_minutes": 10_000.0, "batch_size": 2}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One with a recording in which a human took over, and one in which nobody did."""
    home = tmp_path_factory.mktemp("improve")
    root = home / "data" / "recordings"
    recording(root, 0, 30, sources=["agent"] * 15 + ["human"] * 15, policy=OLD)
    recording(root, 1, 30, sources=["agent"] * 30, policy=OLD)
    small_policy(home / "small.safetensors")
    daemon = Daemon(home, None, warm_start=True)
    yield daemon
    daemon.client.close()
    daemon.kill()


def begin(daemon: Daemon, **more: Any) -> dict[str, Any]:
    """A job, as it began."""
    wanted = {
        "kind": "improve", "game": "squares", "policy": str(daemon.home / "small.safetensors"),
        **more,
    }  # fmt: skip
    answer = daemon.client.post("/api/v1/jobs", json=wanted)
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = answer.json()
    return job


def ended(daemon: Daemon, job: dict[str, Any]) -> dict[str, Any]:
    """The job once it has ended."""
    path = f"/api/v1/jobs/{job['id']}"
    found: dict[str, Any] = until(
        lambda: (now := daemon.client.get(path).json())["state"] != "running" and now, "the end"
    )
    return found


def scratch(home: Path) -> list[Path]:
    """What runs left."""
    return list((home / "data" / "improving").glob("*"))


def test_a_policy_learns_and_is_accepted_and_undone(daemon: Daemon) -> None:
    """What the page does, in order; nothing plays before it is accepted."""
    job = ended(daemon, begin(daemon, estimate=True, **LONG))
    assert job["state"] == "done", job["error"]
    assert job["result"]["data"]["recordings"] == 1, "corrections alone"
    assert job["result"]["estimate"]["total_s"] >= 60_000
    assert daemon.client.get("/api/v1/improvements").json() == []

    job = ended(daemon, begin(daemon, learn="recordings", steps=2, batch_size=2, minutes=5.0))
    assert job["state"] == "done", job["error"]
    result = job["result"]
    assert result["data"]["recordings"] == 2
    assert (result["verdict"], result["training"]["steps"]) == ("offered", 2)
    assert load_policy(result["new"])
    names = [one["name"] for one in daemon.client.get("/api/v1/policies").json()["policies"]]
    assert result["new"] in names

    (known,) = daemon.client.post("/api/v1/improvements/count").json()
    assert (known["used"], known["offered"]) == (None, result["new"])
    (played,) = known["played"]
    assert (played["takeovers"], played["minutes"]) == (1, pytest.approx(45 / 20 / 60))
    body = {"game": "squares"}
    (known,) = daemon.client.post("/api/v1/improvements/accept", json=body).json()
    assert (known["used"], known["previous"]) == (result["new"], result["old"])
    again = daemon.client.post("/api/v1/improvements/accept", json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "improve_refused")
    (known,) = daemon.client.post("/api/v1/improvements/back", json=body).json()
    assert (known["used"], known["offered"]) == (result["old"], result["new"])


def test_a_cancelled_one_offers_nothing(daemon: Daemon) -> None:
    """Its process is gone at once; what it left goes with the next."""
    before = daemon.client.get("/api/v1/improvements").json()
    job = begin(daemon, **LONG)
    until(lambda: scratch(daemon.home), "the run")
    assert daemon.client.delete(f"/api/v1/jobs/{job['id']}").status_code == 204
    assert ended(daemon, job)["state"] == "cancelled"
    assert daemon.client.get("/api/v1/improvements").json() == before
    assert ended(daemon, begin(daemon, steps=1, batch_size=2, minutes=6.0))["state"] == "done"
    assert scratch(daemon.home) == []


def test_what_cannot_be_done_is_said(daemon: Daemon) -> None:
    """In the words of the command."""
    job = ended(daemon, begin(daemon, minutes=1e-6))
    assert job["state"] == "failed"
    assert job["error"]["code"] == "improve_refused"
    assert "teach nothing" in job["error"]["message"]
    assert "--minutes" in job["error"]["hint"]
    job = ended(daemon, begin(daemon, game="chess"))
    assert "there is no recording of chess" in job["error"]["message"]
