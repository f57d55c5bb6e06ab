"""Metrics, restarts, changed checkpoints, and what this machine has, of the real daemon."""

from __future__ import annotations

import shutil
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from nitropilot.policy import random_policy, save_policy
from nitropilot.server.sessions.pool import KEPT_UNUSED, EnginePool
from tests.server.api.test_predict import picture
from tests.server.processes import POLICY, Daemon, command, until

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    until(game.pad_is_neutral, "a neutral pad")
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


def test_policies_that_nobody_uses_do_not_pile_up() -> None:
    """Forty of full size are more memory than any player has; what is in use stays."""
    pool = EnginePool("random:tiny:0", "torch", "cpu", "float32")
    mine = pool.get()
    closed: list[int] = []
    for seed in range(1, 6):
        with closing(pool.get(f"random:tiny:{seed}")) as engine:
            inner = engine._loaded.engine  # type: ignore[attr-defined]
            really = inner.close
            inner.close = lambda seed=seed, really=really: (closed.append(seed), really())
    assert pool.loaded() == ["random:tiny:0", "random:tiny:4", "random:tiny:5"]
    assert closed == [1, 2, 3]
    pool.get("random:tiny:4").close()  # so that 5 was left alone for longer
    pool.get("random:tiny:6").close()
    assert pool.loaded() == ["random:tiny:0", "random:tiny:4", "random:tiny:6"]
    mine.close()
    assert pool.loaded() == ["random:tiny:0", "random:tiny:6"], "used last is not loaded last"
    pool.close()


def test_predictions_count_as_use(daemon: Daemon, game: RunningGame) -> None:
    """Who asks for ever other policies must not fill the memory, nor take the player's away."""
    session = daemon.playing(pid=game.pid, policy="random:tiny:50")
    seen = bytes(64 * 64 * 3)
    for seed in range(51, 54):
        answer = daemon.client.post(
            "/api/v1/predict", content=seen,
            params={"policy": f"random:tiny:{seed}", "width": 64, "height": 64},
            headers={"Content-Type": "application/octet-stream"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
    assert figures(daemon)["nitropilot_policies_loaded"] == 1 + KEPT_UNUSED
    assert daemon.session(session["id"])["state"] == "playing"
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")


def test_a_full_disk_does_not_end_the_play(daemon: Daemon, game: RunningGame) -> None:
    """The trace and what is kept beside it end, said once each; the player's game does not."""
    session = daemon.playing(pid=game.pid)
    process = psutil.Process(daemon.process.pid)
    soft, hard = process.rlimit(psutil.RLIMIT_FSIZE)
    size = (Path(session["folder"]) / "trace.jsonl.gz.part").stat().st_size
    process.rlimit(psutil.RLIMIT_FSIZE, (max(size, daemon.log.stat().st_size + 10_000), hard))
    try:

        def both() -> str:
            said = str(daemon.session(session["id"])["trace_warning"])
            return said if "the trace" in said and "the policy is shown" in said else ""

        said = until(both, "the warnings")
        assert said.count("File too large") == 2
        before = daemon.session(session["id"])["stats"]["actions_sent"]
        until(
            lambda: daemon.session(session["id"])["stats"]["actions_sent"] > before + 60,
            "the play goes on",
        )
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, (soft, hard))
    assert daemon.output().count("File too large") == 2
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")
    assert daemon.wait_for(session["id"], "stopped")["trace_warning"] == said


def test_old_traces_make_room(daemon: Daemon, game: RunningGame) -> None:
    """With the settings of the running daemon, at the next session."""
    old = daemon.playing(pid=game.pid)
    daemon.client.delete(f"/api/v1/sessions/{old['id']}")
    daemon.wait_for(old["id"], "stopped")
    assert (Path(old["folder"]) / "trace.jsonl.gz").exists()
    daemon.client.patch("/api/v1/settings", json={"traces": {"max_total_gb": 1e-9}})
    time.sleep(1.1)  # a folder that has gone gives its name, which is the second's, to the next
    new = daemon.playing(pid=game.pid)
    daemon.client.patch("/api/v1/settings", json={"traces": {"max_total_gb": 1.0}})
    assert not Path(old["folder"]).exists()
    daemon.client.delete(f"/api/v1/sessions/{new['id']}")
    assert (Path(daemon.wait_for(new["id"], "stopped")["folder"]) / "trace.jsonl.gz").exists()


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
    used = daemon.client.post(
        "/api/v1/predict", content=picture(), headers={"Content-Type": "image/png"}
    )
    assert used.status_code == 200, used.text
    assert POLICY in daemon.client.post("/api/v1/policies/reload").json()["reloaded"]
    assert daemon.client.post("/api/v1/policies/reload").json() == {"reloaded": []}


def test_doctor_and_engines_say_what_the_commands_say(daemon: Daemon) -> None:
    """Two sources for the same facts would drift apart."""
    answer = daemon.client.post("/api/v1/doctor").json()
    assert daemon.client.get("/api/v1/doctor").status_code == 405, "it acts: a game is launched"
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
