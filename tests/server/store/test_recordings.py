"""Recordings through the API: made, mended, read in parts, removed, and nothing else read."""

from __future__ import annotations

import http.client
import io
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import pyarrow.parquet as pq
import pytest

from nitropilot.server.store.recordings import RecordingStore
from nitropilot.server.store.settings import Settings
from tests.server.conftest import needs_preload
from tests.server.processes import POLICY, Daemon, command, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

ENGINE = ("--policy", POLICY, "--engine", "torch")


def switch(daemon: Daemon, session: str, enabled: bool) -> dict[str, Any]:
    answer = daemon.client.post(f"/api/v1/sessions/{session}/recording", json={"enabled": enabled})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["recording"]
    return found


def listed(daemon: Daemon) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = daemon.client.get("/api/v1/recordings").json()["recordings"]
    return found


def file_of(daemon: Daemon, recording: str, name: str, **headers: str) -> Any:
    return daemon.client.get(f"/api/v1/recordings/{recording}/files/{name}", headers=headers)


def frames_in(data: bytes) -> int:
    with av.open(io.BytesIO(data)) as container:
        return sum(1 for _ in container.decode(video=0))


def one_recording(daemon: Daemon, game: RunningGame, frames: int = 20) -> str:
    """A complete recording, made for the caller."""
    session = daemon.playing(pid=game.pid)["id"]
    made = switch(daemon, session, True)
    until(lambda: daemon.session(session)["recording"]["frames"] > frames, "frames")
    switch(daemon, session, False)
    assert daemon.client.delete(f"/api/v1/sessions/{session}").status_code == 204
    daemon.wait_for(session, "stopped")
    return str(made["id"])


@pytest.fixture(scope="module")
def recorded(daemon: Daemon, x_display: PrivateDisplay) -> Iterator[str]:
    """A complete recording that no test removes."""
    from tests.server.processes import running_game

    needs_preload()
    with running_game(x_display.name) as game:
        yield one_recording(daemon, game, 150)


def test_on_off_and_read_back(daemon: Daemon, game: RunningGame) -> None:
    """The whole way of a recording: begin it, watch it grow, end it, fetch all of it."""
    session = daemon.playing(pid=game.pid)["id"]
    begun = switch(daemon, session, True)
    assert begun["enabled"]
    assert switch(daemon, session, True)["id"] == begun["id"]
    until(lambda: daemon.session(session)["recording"]["frames"] > 30, "frames")
    (live,) = [r for r in listed(daemon) if r["id"] == begun["id"]]
    assert not live["complete"]
    busy = daemon.client.delete(f"/api/v1/recordings/{begun['id']}")
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "recording_busy")
    assert file_of(daemon, begun["id"], "video.mp4").status_code == 409
    ended = switch(daemon, session, False)
    assert not ended["enabled"]
    detail = daemon.client.get(f"/api/v1/recordings/{begun['id']}").json()
    assert detail["complete"]
    assert detail["policy_random"] is True
    names = {file["name"]: file["size"] for file in detail["files"]}
    chunk = f"{begun['id']}_chunk_0000"
    assert set(names) == {
        "video.mp4", "recording.json", f"{chunk}/actions_raw.parquet", f"{chunk}/metadata.json",
    }  # fmt: skip
    got = {name: file_of(daemon, begun["id"], name).content for name in names}
    assert {name: len(data) for name, data in got.items()} == names
    table = pq.read_table(io.BytesIO(got[f"{chunk}/actions_raw.parquet"]))
    assert frames_in(got["video.mp4"]) == table.num_rows == detail["frames"] == ended["frames"]
    assert daemon.client.delete(f"/api/v1/recordings/{begun['id']}").status_code == 204
    assert begun["id"] not in {r["id"] for r in listed(daemon)}
    assert daemon.client.get(f"/api/v1/recordings/{begun['id']}").status_code == 404
    assert daemon.session(session)["state"] == "playing"


def test_record_from_the_start(daemon: Daemon, game: RunningGame) -> None:
    """``record`` in the request, and the end of the session completes it."""
    session = daemon.playing(pid=game.pid, record=True)
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")
    ended = daemon.wait_for(session["id"], "stopped")
    (found,) = [r for r in listed(daemon) if r["id"] == ended["recording"]["id"]]
    assert found["complete"]
    assert found["reason"] == "deleted through the API"
    assert found["session"] == session["id"]


def test_ranges(daemon: Daemon, recorded: str) -> None:
    """A browser jumps about in a video by asking for parts of it."""
    whole = file_of(daemon, recorded, "video.mp4")
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["accept-ranges"] == "bytes"
    size = len(whole.content)
    for asked, expected in {
        "bytes=0-99": whole.content[:100],
        "bytes=100-": whole.content[100:],
        "bytes=-50": whole.content[-50:],
        f"bytes=10-{size + 10**6}": whole.content[10:],
    }.items():
        part = file_of(daemon, recorded, "video.mp4", Range=asked)
        assert part.status_code == 206, asked
        assert part.content == expected, asked
    beyond = file_of(daemon, recorded, "video.mp4", Range=f"bytes={size}-")
    assert beyond.status_code == 416
    for odd in ("bytes=5-1", "apples=1-2", "bytes=x-y", "bytes=" + "0-1," * 500):
        assert file_of(daemon, recorded, "video.mp4", Range=odd).status_code in (200, 206, 400, 416)


def as_it_is(daemon: Daemon, method: str, path: str) -> tuple[int, bytes]:
    """Status and body for a path that no client tidies up."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=120)
    try:
        connection.putrequest(method, path)
        connection.putheader("Authorization", f"Bearer {daemon.token}")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


TRICKS = (
    "../token", "..%2ftoken", "%2e%2e/%2e%2e/config/token", "..", "../..", ".", "/", "//",
    "/etc/passwd", "%2fetc%2fpasswd", "video.mp4/", "video.mp4/.", "./video.mp4",
    "x/../video.mp4", "video.mp4%00", "video.mp4%00.txt", "VIDEO.MP4", "video.mp4::$DATA",
    "..\\..\\config\\token", "%5c..%5ctoken", "link", "linked/token", "linked/../video.mp4",
    "video.mp4;x", "~", "%252e%252e%252ftoken", "%e2%80%a5/token", "a" * 9000, "CON", "",
    "C:\\Windows\\win.ini", "file:///etc/passwd", "{0}_chunk_0000", "{0}_chunk_0000/",
    "{0}_chunk_0000/..", "{0}_chunk_0000/../video.mp4", "{0}_chunk_0000/../../../../config/token",
)  # fmt: skip


def test_no_name_leads_out(daemon: Daemon, recorded: str) -> None:
    """A file that is not listed cannot be had, whatever it is called, links included."""
    folder = daemon.home / "data" / "recordings" / recorded
    outside = daemon.home / "config"
    secret = (outside / "token").read_bytes().strip()
    (folder / "link").symlink_to(outside / "token")
    (folder / "linked").symlink_to(outside)
    try:
        for trick in TRICKS:
            name = trick.format(recorded)
            for path in (
                f"/api/v1/recordings/{recorded}/files/{name}",
                f"/api/v1/recordings/{name}/files/video.mp4",
                f"/api/v1/recordings/{name}",
            ):
                status, body = as_it_is(daemon, "GET", path)
                assert secret not in body, path
                assert status in (400, 404, 405, 414), path
        detail = daemon.client.get(f"/api/v1/recordings/{recorded}").json()
        names = {file["name"] for file in detail["files"]}
        assert not {"link", "linked/token"} & names
    finally:
        (folder / "link").unlink()
        (folder / "linked").unlink()


def test_nothing_else_can_be_removed(daemon: Daemon, recorded: str) -> None:
    """Deleting is the one thing that cannot be taken back."""
    root = daemon.home / "data" / "recordings"
    victim = daemon.home / "victim"
    victim.mkdir(exist_ok=True)
    (victim / "mine").write_text("mine")
    link = root / "20260101-000000-89abcdef"
    link.symlink_to(victim)
    (root / "mine").mkdir(exist_ok=True)
    before = sorted(str(path) for path in daemon.home.rglob("*"))
    for name in (
        "..", "%2e%2e", "..%2f..%2fvictim", "mine", link.name, f"{recorded}/", f"{recorded}/..",
        f"{recorded}.part", f"./{recorded}", "*", "", recorded.upper() + "x", "%00",
    ):  # fmt: skip
        status, _ = as_it_is(daemon, "DELETE", f"/api/v1/recordings/{name}")
        assert status in (400, 404, 405), name
    assert sorted(str(path) for path in daemon.home.rglob("*")) == before
    link.unlink()


def test_what_a_killed_daemon_leaves(
    x_display: PrivateDisplay, tmp_path: Path, game: RunningGame
) -> None:
    """kill -9 in mid-recording: the next start has a whole recording, and says so."""
    first = Daemon(tmp_path, x_display.name, *ENGINE, warm_start=True)
    try:
        session = first.playing(pid=game.pid, record=True)
        until(lambda: first.session(session["id"])["recording"]["frames"] > 200, "frames")
        first.signal(signal.SIGKILL)
    finally:
        first.client.close()
        first.kill()
    root = tmp_path / "data" / "recordings"
    (part,) = root.iterdir()
    assert part.name.endswith(".part")
    second = Daemon(tmp_path, x_display.name, *ENGINE, warm_start=True)
    try:
        assert "was mended" in second.output()
        (found,) = listed(second)
        assert found["complete"]
        assert found["mended"]
        assert found["frames"] >= 100
        video = file_of(second, found["id"], "video.mp4").content
        chunks = sorted((root / found["id"]).glob("*_chunk_*"))
        rows = sum(pq.read_metadata(c / "actions_raw.parquet").num_rows for c in chunks)
        assert frames_in(video) == rows == found["frames"]
        assert list(root.rglob("*.part")) == []
    finally:
        second.client.close()
        second.kill()


def everything_in(root: Path) -> dict[str, tuple[int, int, int]]:
    """All files and folders, with what changes when somebody writes to them."""
    facts = {str(path): path.lstat() for path in (root, *root.rglob("*"))}
    return {path: (s.st_ino, s.st_size, s.st_mtime_ns) for path, s in facts.items()}


def test_who_reads_changes_nothing(daemon: Daemon, recorded: str) -> None:
    """A look at the list removed what was short, and whatever a user had called .deleted-..."""
    root = daemon.home / "data" / "recordings"
    short, mine, remains = (
        root / name
        for name in ("20260101-000000-01234567.part", ".deleted-letters", f".deleted-{'0' * 16}")
    )
    for folder in (short, mine, remains):
        folder.mkdir()
    facts = json.loads((root / recorded / "recording.json").read_text())
    facts |= {"id": short.name.removesuffix(".part"), "writer": {"pid": 2**22 + 1, "started": 1}}
    (short / "recording.json").write_text(json.dumps(facts))
    before = everything_in(root)
    found = {each["id"]: each["complete"] for each in listed(daemon)}
    assert (found[facts["id"]], found[recorded]) == (False, True)
    for path in ("", f"/{recorded}", f"/{facts['id']}"):
        assert daemon.client.get(f"/api/v1/recordings{path}").status_code == 200
    assert file_of(daemon, recorded, "video.mp4", Range="bytes=0-9").status_code == 206
    assert command("recordings", "list", home=daemon.home).returncode == 0
    assert everything_in(root) == before
    answer = daemon.client.post("/api/v1/recordings/mend")
    assert (answer.status_code, answer.json()) == (200, {"mended": []})
    assert mine.is_dir(), "it is no deletion of ours"
    assert not short.exists() and not remains.exists()
    mine.rmdir()


def test_a_part_of_a_file_costs_no_list(
    daemon: Daemon, recorded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A player asks for hundreds of parts of a video, and each looked at all recordings."""
    store = RecordingStore(Settings)
    monkeypatch.setenv("NITROPILOT_DATA", str(daemon.home / "data"))
    assert store.root.name == "recordings" and (store.root / recorded).is_dir()
    for name in ("scandir", "listdir", "walk"):
        monkeypatch.setattr(os, name, lambda *_, **__: pytest.fail("a folder was listed"))
    assert store.file(recorded, "video.mp4").size > 0
    chunk = f"{recorded}_chunk_0000/actions_raw.parquet"
    assert store.file(recorded, chunk).path == store.root / recorded / chunk


def test_what_a_killed_player_leaves_is_mended_when_asked(daemon: Daemon, recorded: str) -> None:
    """Another process died; this daemon runs on and can make whole what it left."""
    root = daemon.home / "data" / "recordings"
    whole = root / recorded
    part = root / "20260101-000000-01234567.part"
    part.mkdir()
    facts = json.loads((whole / "recording.json").read_text())
    facts |= {"id": part.name.removesuffix(".part"), "writer": {"pid": 2**22 + 1, "started": 1}}
    (part / "recording.json").write_text(json.dumps(facts))
    os.link(whole / "video.mp4", part / "video.mp4.copy")
    (part / "video.mp4.part").write_bytes((part / "video.mp4.copy").read_bytes())
    (part / "video.mp4.copy").unlink()
    rows = "".join(f'[{i},0,"agent",0,0,false,0,0,0,0,0,0,0]\n' for i in range(30))
    (part / "tail.jsonl").write_text(rows)
    done = command("recordings", "mend", "--json", home=daemon.home)
    assert json.loads(done.stdout) == {
        "mended": ["20260101-000000-01234567"],
        "failed": [],
    }
    (found,) = [r for r in listed(daemon) if r["id"] == "20260101-000000-01234567"]
    assert (found["complete"], found["frames"]) == (True, 30)
    assert daemon.client.delete(f"/api/v1/recordings/{found['id']}").status_code == 204


@pytest.mark.parametrize(
    "facts",
    ['{"fps": "x"}', '{"resolution": "ab", "policy": 3}', "[]", "{", '{"frames": -1e400}', "{}"],
)
def test_spoiled_facts(daemon: Daemon, recorded: str, facts: str) -> None:
    """One folder that somebody has edited must not hide all the others."""
    name = "20260101-000000-89abcdef"
    folder = daemon.home / "data" / "recordings" / name
    folder.mkdir()
    (folder / "recording.json").write_text(facts)
    assert recorded in {r["id"] for r in listed(daemon)}
    assert daemon.client.get(f"/api/v1/recordings/{name}").status_code in (200, 404)
    if daemon.client.delete(f"/api/v1/recordings/{name}").status_code == 404:
        (folder / "recording.json").unlink()
        folder.rmdir()
    assert not folder.exists()


def test_a_limit_is_a_warning(daemon: Daemon, game: RunningGame) -> None:
    """More than the disk may take: the play begins, and the session says what is missing."""
    patched = daemon.client.patch("/api/v1/settings", json={"recording": {"keep_free_gb": 1e6}})
    assert patched.status_code == 200, patched.text
    try:
        session = daemon.playing(pid=game.pid, record=True)
        assert "kept free" in session["recording"]["warning"]
        answer = daemon.client.post(
            f"/api/v1/sessions/{session['id']}/recording", json={"enabled": True}
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "recording_full")
        daemon.client.delete(f"/api/v1/sessions/{session['id']}")
    finally:
        daemon.client.patch("/api/v1/settings", json={"recording": {"keep_free_gb": None}})


def test_play_records(tmp_path: Path, game: RunningGame, x_display: PrivateDisplay) -> None:
    """``--record`` of the command line makes the same recording."""
    done = command(
        "play", "--pid", str(game.pid), "--policy", POLICY, "--engine", "torch", "--record",
        "--seconds", "0.5", "--json", home=tmp_path, display=x_display.name,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    folder = Path(facts["recording"])
    assert folder.parent == tmp_path / "data" / "recordings"
    assert (folder / "video.mp4").stat().st_size > 0
    assert facts["video"] is None
    listed = command("recordings", "list", "--json", home=tmp_path)
    (found,) = json.loads(listed.stdout)["recordings"]
    assert (found["id"], found["complete"]) == (folder.name, True)
    assert folder.name in command("recordings", "list", home=tmp_path, COLUMNS="200").stdout
    assert command("recordings", "delete", "../data", home=tmp_path).returncode == 2
    assert command("recordings", "delete", folder.name, home=tmp_path).returncode == 0
    assert list(folder.parent.iterdir()) == []
