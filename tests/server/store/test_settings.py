"""Settings: their model, their file, the API, the command, and a running daemon that follows."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from nitropilot.engines.wish import DEVICES, ENGINES, PRECISIONS
from nitropilot.server.errors import SettingsInvalid
from nitropilot.server.store.settings import Settings, allowed, flat, sections
from nitropilot.server.store.settings_reference import PAGE, page
from nitropilot.server.store.settings_store import SettingsStore, parse
from tests.server.processes import POLICY, ROOT, Daemon, command, environment, trace_of, until
from tests.support import http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.processes import RunningGame

PATH = "/api/v1/settings"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon without display and policy."""
    daemon = Daemon(tmp_path_factory.mktemp("plain"), None, warm_start=True)
    yield daemon
    daemon.client.close()
    daemon.kill()


def file_of(daemon: Daemon) -> Path:
    return daemon.home / "config" / "settings.json"


def test_the_page_is_up_to_date() -> None:
    """A reference that is edited by hand tells of settings that are not there."""
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run python -m nitropilot.server.store.settings_reference"
    )
    for key in flat(Settings()):
        assert f"`{key}`" in page()


def test_every_setting_says_what_it_is_and_takes() -> None:
    """What has no words cannot be explained by an error either."""
    for section, kind in sections().items():
        for name, field in kind.model_fields.items():
            assert field.description, name
            assert allowed(f"{section}.{name}"), name
    assert allowed("play.nothing") == allowed("nothing") == ""


def test_the_words_are_the_rooms_words() -> None:
    """An engine that the settings do not know could not be asked for."""
    schema = sections()["play"].model_json_schema()["properties"]
    assert schema["engine"]["enum"] == ["auto", *ENGINES]
    assert schema["device"]["enum"] == list(DEVICES)
    assert schema["precision"]["enum"] == list(PRECISIONS)


@pytest.mark.parametrize(
    ("values", "says", "hint"),
    [
        ({"play": {"action_hz": 0}}, "play.action_hz is 0", "a number from 1 to 240"),
        ({"play": {"action_hz": "fast"}}, 'play.action_hz is "fast"', "a number from 1 to 240"),
        ({"play": {"action_hz": "30"}}, 'play.action_hz is "30"', "a number from 1 to 240"),
        ({"play": {"autoplay": 1}}, "play.autoplay is 1", "true or false"),
        ({"play": {"mode": "turbo"}}, 'play.mode is "turbo"', "paused, realtime or auto"),
        ({"play": {"allow": ["x"]}}, 'play.allow is "x"', "a list of start, back or guide"),
        ({"play": {"controls": ["jump"]}}, 'play.controls is "jump"', "or null"),
        ({"play": {"speed": 1}}, "there is no setting 'play.speed'", "there are policy, engine"),
        ({"sound": {}}, "there is no setting 'sound'", "there are play, recording"),
        ({"play": 3}, "play is no group of settings", "write"),
        ({"recording": {"folder": "here"}}, 'recording.folder is "here"', "named from the root"),
        (
            {"recording": {"folder": "~of-nobody"}},
            'recording.folder is "~of-nobody"',
            "from the root",
        ),
        ({"recording": {"max_total_gb": 0}}, "recording.max_total_gb is 0", "above 0"),
        ({"restarts": {"most": 2.5}}, "restarts.most is 2.5", "a whole number from 0 to 100"),
        ({"log": {"format": "x" * 500}}, "log.format is", "text or json"),
        ({"takeover": {"resume_after_s": float("nan")}}, "takeover.resume_after_s is NaN", "0.1"),
        ({"hotkeys": {"panic": "x"}}, 'hotkeys.panic is "x"', "every program"),
        ({"hotkeys": {"panic": "foo"}}, 'hotkeys.panic is "foo"', "f1 to f24"),
        ({"hotkeys": {"toggle": "f9", "panic": "F9"}}, "hotkeys: f9 is to toggle", "choose two"),
    ],
)
def test_a_wrong_value_is_named(values: dict[str, Any], says: str, hint: str) -> None:
    """Key, value and range: without one of them the user has to guess."""
    with pytest.raises(SettingsInvalid) as caught:
        parse(values)
    assert says in str(caught.value)
    assert hint in caught.value.hint
    assert len(caught.value.line()) < 300


def test_changes_are_kept_private_and_whole(tmp_path: Path) -> None:
    """The file holds the changes alone, so a new default reaches everybody else."""
    path = tmp_path / "settings.json"
    store = SettingsStore(path)
    assert not path.exists()
    store.change({"play": {"mode": "paused"}, "hotkeys": {"panic": ""}})
    assert json.loads(path.read_text()) == {"play": {"mode": "paused"}, "hotkeys": {"panic": ""}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SettingsStore(path).current == store.current
    store.change({"play": {"mode": None}})
    assert json.loads(path.read_text()) == {"hotkeys": {"panic": ""}}
    before = path.read_bytes()
    with pytest.raises(SettingsInvalid):
        store.change({"play": {"mode": "paused", "action_hz": -1}})
    assert path.read_bytes() == before
    assert store.current.play.mode == "auto"
    assert {p.name for p in tmp_path.iterdir()} == {"settings.json", "settings.json.lock"}


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    """A command and a daemon change different settings at the same time."""
    path = tmp_path / "settings.json"
    stores = [SettingsStore(path) for _ in range(4)]
    keys = [("play", "action_hz"), ("recording", "max_width"), ("restarts", "most"),
            ("restarts", "minutes")]  # fmt: skip

    def write(store: SettingsStore, section: str, name: str) -> None:
        for value in range(64, 84):
            store.change({section: {name: value}})

    threads = [
        threading.Thread(target=write, args=(store, *key))
        for store, key in zip(stores, keys, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = SettingsStore(path).current
    assert (kept.play.action_hz, kept.recording.max_width) == (83, 83)
    assert (kept.restarts.most, kept.restarts.minutes) == (83, 83)


def test_the_command_line_wins(tmp_path: Path) -> None:
    """Who starts a daemon with an engine gets that engine, whatever a file says."""
    path = tmp_path / "settings.json"
    SettingsStore(path).change({"play": {"engine": "openvino", "mode": "paused"}})
    store = SettingsStore(path, {"play": {"engine": "torch"}})
    assert (store.current.play.engine, store.current.play.mode) == ("torch", "paused")
    assert store.overridden == ["play.engine"]
    store.change({"play": {"mode": "realtime"}})
    assert json.loads(path.read_text())["play"] == {"engine": "openvino", "mode": "realtime"}


def test_listeners_hear_of_changes_only(tmp_path: Path) -> None:
    """A listener that fails must not keep the others from a change."""
    store = SettingsStore(tmp_path / "settings.json")
    heard: list[str] = []
    store.listen(lambda now: heard.append(now.play.mode))
    store.listen(lambda now: 1 // (now.play.mode != "paused"))
    store.listen(lambda now: heard.append(now.log.level))
    store.change({"play": {"mode": "paused"}})
    store.change({"play": {"mode": "paused"}})
    assert heard == ["auto", "warning", "paused", "warning"]


@pytest.mark.parametrize("text", ["{", "[]", '{"play": {"x": 1}}', '{"play": []}', "\x00"])
def test_a_daemon_does_not_start_on_a_wrong_file(tmp_path: Path, text: str) -> None:
    """Beginning with defaults instead would throw the user's choices away in silence."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.json").write_text(text)
    done = command("serve", "--port", "0", home=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "setting" in done.stderr


def test_get_and_patch(plain: Daemon) -> None:
    """What was changed counts, is kept, and comes back."""
    assert plain.client.get(PATH).json()["settings"]["play"]["action_hz"] is None
    answer = plain.client.patch(PATH, json={"play": {"action_hz": 30, "allow": ["start"]}})
    assert answer.status_code == 200, answer.text
    assert plain.client.get(PATH).json() == answer.json()
    assert json.loads(file_of(plain).read_text())["play"] == {"action_hz": 30, "allow": ["start"]}
    wrong = plain.client.patch(PATH, json={"play": {"action_hz": 1000}})
    assert wrong.status_code == 422
    error = wrong.json()["error"]
    assert (error["code"], error["message"]) == ("settings_invalid", "play.action_hz is 1000")
    assert error["hint"] == "it takes a number from 1 to 240 or null"
    assert plain.client.patch(PATH, json=[]).status_code == 422
    assert plain.client.patch(PATH, json={"play": 3}).status_code == 422
    assert plain.client.get(PATH).json()["settings"]["play"]["action_hz"] == 30


def test_reload_by_signal_and_by_route(plain: Daemon) -> None:
    """An edited file is taken without ending a game that plays; a wrong one changes nothing."""

    def hz() -> float:
        found: float = plain.client.get(PATH).json()["settings"]["play"]["action_hz"]
        return found

    file_of(plain).write_text('{"play": {"action_hz": 45}}')
    plain.process.send_signal(signal.SIGHUP)
    until(lambda: hz() == 45, "the signal")
    file_of(plain).write_text('{"play": {"action_hz": 450}}')
    assert plain.client.post(f"{PATH}/reload").json()["taken"] is False
    assert hz() == 45
    assert "play.action_hz is 450" in plain.output()
    file_of(plain).write_text('{"play": {"action_hz": 50}}')
    assert plain.client.post(f"{PATH}/reload").json()["taken"] is True
    assert hz() == 50


def test_the_command_changes_a_running_daemon(plain: Daemon) -> None:
    """One command, whether a daemon runs or not."""
    done = command("settings", "set", "recording.max_width", "640", "--json", home=plain.home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["daemon"] is True
    assert plain.client.get(PATH).json()["settings"]["recording"]["max_width"] == 640
    wrong = command("settings", "set", "play.mode", "turbo", home=plain.home)
    assert wrong.returncode == 2
    assert "paused, realtime or auto" in wrong.stderr
    shown = command("settings", "--json", home=plain.home)
    assert json.loads(shown.stdout)["settings"]["recording"]["max_width"] == 640
    assert "play.mode" in command("settings", home=plain.home, COLUMNS="200").stdout


def test_the_command_without_a_daemon(tmp_path: Path) -> None:
    """Settings can be made before the first start."""
    done = command("settings", "set", "play.policy", POLICY, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "no daemon runs" in done.stderr
    daemon = Daemon(tmp_path, None, warm_start=True)
    try:
        assert daemon.client.get("/api/v1/status").json()["policy"] == POLICY
    finally:
        daemon.client.close()
        daemon.kill()


def test_what_the_daemon_was_started_with_cannot_be_patched(daemon: Daemon) -> None:
    """A change that would have no effect is an error and not a success."""
    answer = daemon.client.get(PATH).json()
    assert answer["overridden"] == ["play.policy"]
    wrong = daemon.client.patch(PATH, json={"play": {"policy": "random:full"}})
    assert wrong.status_code == 422
    assert "command line" in wrong.json()["error"]["message"]


def test_new_sessions_get_the_settings(daemon: Daemon, game: RunningGame) -> None:
    """What a request does not name comes from the settings, what it names does not."""
    daemon.client.patch(PATH, json={"play": {"mode": "paused", "action_hz": 20}})
    try:
        session = daemon.playing(pid=game.pid)
        assert session["mode"] == "paused"
        daemon.client.delete(f"/api/v1/sessions/{session['id']}")
        daemon.wait_for(session["id"], "stopped")
        session = daemon.playing(pid=game.pid, mode="realtime")
        assert session["mode"] == "realtime"
        daemon.client.delete(f"/api/v1/sessions/{session['id']}")
        ended = daemon.wait_for(session["id"], "stopped")
        assert trace_of(ended)[0]["action_hz"] == 20
    finally:
        daemon.client.patch(PATH, json={"play": {"mode": None, "action_hz": None}})


def serves(url: str) -> bool:
    """Whether a daemon answers."""
    try:
        return http.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="terminals are POSIX's")
def test_the_end_of_a_terminal_still_ends_the_daemon(tmp_path: Path) -> None:
    """A window that was closed must not leave a daemon that nobody sees."""
    master, slave = pty.openpty()
    log = tmp_path / "log"
    try:
        with log.open("wb") as out, subprocess.Popen(
            [sys.executable, "-m", "nitropilot", "serve", "--port", "0"], cwd=ROOT, stdin=slave,
            stdout=out, stderr=out, env=environment(tmp_path, None),
        ) as process:  # fmt: skip
            address = re.compile(r"listens on (\S+)/api")
            found = until(lambda: address.search(log.read_text()), "the daemon's address")
            until(lambda: serves(found[1]), "the daemon's first answer")
            process.send_signal(signal.SIGHUP)
            assert process.wait(120) == 0
    finally:
        os.close(master)
        os.close(slave)


def test_a_log_for_programs(tmp_path: Path) -> None:
    """Every line is one object, and no line holds what opens a browser session."""
    daemon = Daemon(tmp_path, None, "--log-format", "json", "--log-level", "info", warm_start=True)
    try:
        file_of(daemon).write_text("{")
        daemon.client.post(f"{PATH}/reload")
        lines = [json.loads(line) for line in daemon.output().splitlines()]
        assert all(set(line) >= {"time", "level", "logger", "message"} for line in lines)
        assert any("listens on" in line["message"] for line in lines)
        assert any(line["level"] == "error" and "stay" in line["message"] for line in lines)
        assert "?code=" not in daemon.output()
        assert daemon.token not in daemon.output()
    finally:
        daemon.client.close()
        daemon.kill()


def test_status_of_the_running_daemon(plain: Daemon, tmp_path: Path) -> None:
    """A person at the keyboard asks the daemon without a token at hand."""
    done = command("status", "--json", home=plain.home)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pid"] == plain.process.pid
    assert plain.url in command("status", home=plain.home).stdout
    none = command("status", home=tmp_path)
    assert none.returncode == 2
    assert "no daemon runs" in none.stderr
