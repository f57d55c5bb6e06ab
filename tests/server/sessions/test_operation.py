"""Metrics, restarts, changed checkpoints, and what this machine has, of the real daemon."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from nitropilot.policy import random_policy, save_policy
from nitropilot.server.sessions.pool import EnginePool
from tests.server.processes import POLICY, Daemon, command, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame


def figures(daemon: Daemon) -> dict[str, float]:
    """Every sample that has no label but the state, by name and state."""
    found = {}
    for family in text_string_to_metric_families(daemon.client.get("/metrics").text):
        for sample in family.samples:
            if set(sample.labels) <= {"state"}:
                found["/".join([sample.name, *sample.labels.values()])] = sample.value
    return found


def test_metrics_count_what_was_played(daemon: Daemon, game: RunningGame) -> None:
    """A graph of nothing, or one that falls when a session is forgotten, misleads."""
    before = figures(daemon)
    session = daemon.playing(pid=game.pid)
    assert figures(daemon)["nitropilot_sessions/playing"] == 1
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")
    ended = daemon.wait_for(session["id"], "stopped")["stats"]
    after = figures(daemon)
    for name, key in (("actions_sent", "actions_sent"), ("chunks", "chunks")):
        grown = after[f"nitropilot_{name}_total"] - before[f"nitropilot_{name}_total"]
        assert grown == ended[key] > 0
    grown = (
        after["nitropilot_inference_seconds_count"] - before["nitropilot_inference_seconds_count"]
    )
    assert grown >= ended["chunks"]
    assert after["nitropilot_sessions/playing"] == 0
    assert after["process_resident_memory_bytes"] > 10**7
    assert after["nitropilot_recordings_disk_free_bytes"] > 0


def test_metrics_follow_the_conventions(daemon: Daemon, game: RunningGame) -> None:
    """Base units, our prefix, few labels, and no word of what is played."""
    session = daemon.playing(pid=game.pid)
    answer = daemon.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for family in text_string_to_metric_families(answer.text):
        assert family.name.startswith(("nitropilot_", "process_"))
        assert family.documentation
        for sample in family.samples:
            assert set(sample.labels) <= {"state", "le", "version"}
    for word in (
        session["game"]["title"],
        session["game"]["executable"],
        session["id"],
        daemon.token,
    ):
        assert word not in answer.text
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")


def hand_of(daemon: Daemon) -> psutil.Process | None:
    for child in psutil.Process(daemon.process.pid).children(recursive=True):
        try:
            if any("hand.main" in word for word in child.cmdline()):
                return child
        except psutil.Error:
            continue
    return None


@pytest.fixture
def fragile(x_display: PrivateDisplay, tmp_path: Path) -> Iterator[Daemon]:
    """A daemon whose sessions may be begun again twice."""
    command("settings", "set", "restarts.most", "2", home=tmp_path)
    daemon = Daemon(tmp_path, x_display.name, "--policy", POLICY, "--engine", "torch")
    yield daemon
    daemon.client.close()
    daemon.kill()


def test_a_failed_session_is_begun_again_but_not_for_ever(
    fragile: Daemon, game: RunningGame
) -> None:
    """One hiccup in a night must not end the night; a fault that stays must not loop."""
    session = fragile.playing(pid=game.pid, mode="paused")
    for _ in range(2):
        known = {s["id"] for s in fragile.client.get("/api/v1/sessions").json()}
        hand = until(lambda: hand_of(fragile), "its hand")
        hand.kill()
        old = session["id"]
        until(lambda old=old: fragile.session(old)["state"] == "failed", "the failure")
        assert fragile.session(old)["end"]["code"] == "hand_failed"

        def fresh(known: set[str] = known) -> list[dict[str, str]]:
            found = fragile.client.get("/api/v1/sessions").json()
            return [s for s in found if s["id"] not in known]

        (new,) = until(fresh, "the restart")
        assert new["restart_of"] == old
        fragile.wait_for(new["id"], "playing")
        session = new
    assert figures(fragile)["nitropilot_session_restarts_total"] == 2
    until(lambda: hand_of(fragile), "its hand").kill()
    until(lambda: "is not begun again: 2 restarts" in fragile.output(), "the last word")
    states = [s["state"] for s in fragile.client.get("/api/v1/sessions").json()]
    assert states == ["failed"] * 3
    assert game.pad_is_neutral()
    assert game.runs()


def test_what_was_ended_stays_ended(fragile: Daemon, game: RunningGame) -> None:
    """Deleting a session, or ending its game, is no failure."""
    session = fragile.playing(pid=game.pid)
    fragile.client.delete(f"/api/v1/sessions/{session['id']}")
    fragile.wait_for(session["id"], "stopped")
    session = fragile.playing(pid=game.pid)
    game.process.kill()
    until(lambda: fragile.session(session["id"])["state"] == "stopped", "the end")
    time.sleep(3.0)  # a restart would come after one second
    assert len(fragile.client.get("/api/v1/sessions").json()) == 2


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint's file."""
    path = tmp_path / "mine.safetensors"
    save_policy(random_policy("tiny", 1), path)
    return path


def test_a_changed_checkpoint_is_loaded_anew(checkpoint: Path) -> None:
    """A player who has trained on and plays again must not play with the old weights."""
    pool = EnginePool(str(checkpoint), "torch", "cpu", "float32")
    first, second = pool.get(), pool.get()
    assert first.spec.fingerprint == second.spec.fingerprint
    inner = first._loaded.engine  # type: ignore[attr-defined]
    closed: list[bool] = []
    really_close = inner.close
    inner.close = lambda: (closed.append(True), really_close())
    other = checkpoint.with_name("other.safetensors")
    save_policy(random_policy("tiny", 2), other)
    shutil.move(other, checkpoint)
    third = pool.get()
    assert third.spec.fingerprint != first.spec.fingerprint
    first.close()
    first.close()
    assert closed == [], "the second user still plays with it"
    second.close()
    assert closed == [True]
    assert pool.loaded() == [str(checkpoint)]
    pool.close()


def test_another_engine_for_new_sessions(checkpoint: Path) -> None:
    """A setting that was changed counts from the next session on."""
    pool = EnginePool(str(checkpoint), "torch", "cpu", "float32")
    first = pool.get()
    pool.use(str(checkpoint), "torch", "cpu", "bfloat16")
    second = pool.get()
    assert (first.info.precision, second.info.precision) == ("float32", "bfloat16")
    assert pool.reload() == [str(checkpoint)]
    assert pool.loaded() == []
    for engine in (first, second):
        engine.close()
    pool.close()


def test_reload_through_the_api(daemon: Daemon) -> None:
    """The way to say it without waiting for a look at the file."""
    daemon.client.post("/api/v1/predict", content=b"", headers={"Content-Type": "image/png"})
    assert daemon.client.post("/api/v1/policies/reload").json() == {"reloaded": [POLICY]}
    assert daemon.client.post("/api/v1/policies/reload").json() == {"reloaded": []}


def test_doctor_and_engines_say_what_the_commands_say(daemon: Daemon) -> None:
    """Two sources for the same facts would drift apart."""
    answer = daemon.client.get("/api/v1/doctor").json()
    assert {check["name"] for check in answer["checks"]} >= {"display", "capture", "pauser"}
    assert answer["ready"] == all(c["level"] != "problem" for c in answer["checks"])
    listed = daemon.client.get("/api/v1/engines").json()
    assert listed["auto"] in {e["name"] for e in listed["engines"] if e["available"]}


def test_policies_of_a_folder(daemon: Daemon, checkpoint: Path) -> None:
    """Good ones with their facts, damaged ones with what is wrong; each looked at once."""
    folder = daemon.home / "data" / "models" / "mine"
    folder.mkdir(parents=True)
    shutil.copy(checkpoint, folder / "good.safetensors")
    (folder / "bad.safetensors").write_bytes(b"\x08" + b"\0" * 7 + b"not json")
    (folder / "notes.txt").write_text("no policy")
    (folder / "loop").symlink_to(folder.parent)
    found = {p["name"]: p for p in daemon.client.get("/api/v1/policies").json()["policies"]}
    good, bad = found[str(folder / "good.safetensors")], found[str(folder / "bad.safetensors")]
    assert good["facts"]["horizon"] > 0
    assert good["facts"]["is_random"] is True
    assert good["size"] == checkpoint.stat().st_size
    assert bad["facts"] is None
    assert "bad.safetensors" in bad["error"]
    assert {name for name in found if name.startswith(str(folder))} == {good["name"], bad["name"]}
    assert found["random:full"]["place"] == "random"
