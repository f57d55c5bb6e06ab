"""The command line: what it prints where, and how it exits."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot import __version__
from nitropilot.server.host.doctor import can_play
from nitropilot.server.host.findings import Finding, Level
from nitropilot.server.store.paths import new_session_folder
from tests.server.conftest import needs_preload
from tests.server.processes import (
    POLICY,
    ROOT,
    command,
    environment,
    fresh_command,
    left_running,
    page_is_neutral,
    until,
)

if TYPE_CHECKING:
    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

COMMANDS = ("play", "demo", "windows", "doctor", "serve", "token", "policies", "benchmark")
LEVELS = {"ok", "note", "problem"}


def test_version(tmp_path: Path) -> None:
    """Bug reports start with it; it must come without any window system or driver."""
    done = fresh_command("--version", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_command(tmp_path: Path, option: str) -> None:
    """A command that help does not list does not exist for anybody."""
    done = fresh_command(option, home=tmp_path)
    assert done.returncode == 0
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b", done.stdout), name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(tmp_path: Path, name: str) -> None:
    """Help must not need a display, a token or torch."""
    done = fresh_command(name, "--help", home=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    assert not (tmp_path / "config").exists()


def test_nothing_asked_shows_the_help(tmp_path: Path) -> None:
    """A bare ``nitropilot`` must not end in an empty error line."""
    done = fresh_command(home=tmp_path)
    assert "Commands" in done.stdout + done.stderr
    assert "nitropilot: " not in done.stderr


def test_token_prints_the_token_only(tmp_path: Path) -> None:
    """Scripts read it; the first time must look like every other time."""
    first, second = command("token", home=tmp_path), command("token", home=tmp_path)
    assert first.stdout == second.stdout
    assert first.stdout.strip() == (tmp_path / "config" / "token").read_text().strip()
    assert first.stderr == ""


def test_windows_as_json_and_as_a_table(
    tmp_path: Path, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """What it lists is what ``--window`` takes."""
    done = command("windows", "--json", home=tmp_path, display=x_display.name)
    assert done.returncode == 0
    listed = {window["handle"]: window for window in json.loads(done.stdout)["windows"]}
    assert listed[game.window.handle]["pid"] == game.pid
    table = command("windows", "--display", x_display.name, home=tmp_path)
    assert table.returncode == 0
    assert f"{game.window.handle:#x}" in table.stdout
    assert "NitroPilot Runner" in table.stdout


def test_titles_cannot_steer_the_terminal(tmp_path: Path, x_display: PrivateDisplay) -> None:
    """A title is another program's text: neither rich's markup nor escape sequences."""
    title = "[/bold] [red]x \x1b]0;owned\x07\x1b[2J end \N{SNOWMAN}"
    arguments = json.dumps({"display": x_display.name, "title": title})
    with subprocess.Popen(
        [sys.executable, "-m", "tests.capture.xwindow", arguments], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as window:  # fmt: skip
        try:
            assert window.stdout is not None
            assert window.stdout.readline()
            done = command("windows", home=tmp_path, display=x_display.name, COLUMNS="200")
            narrow = command(
                "windows", home=tmp_path, display=x_display.name, PYTHONIOENCODING="ascii"
            )
        finally:
            window.kill()
    assert done.returncode == 0, done.stderr
    assert "[/bold] [red]x" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout
    assert narrow.returncode == 0, narrow.stderr


@pytest.mark.parametrize("with_display", [True, False])
def test_doctor(tmp_path: Path, x_display: PrivateDisplay, with_display: bool) -> None:
    """It must run where nothing else does, try what can be tried, and leave nothing behind."""
    needs_preload()
    display = x_display.name if with_display else None
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    more = {"TMPDIR": str(temporary)}
    done = fresh_command("doctor", "--json", home=tmp_path, display=display, **more)
    report = json.loads(done.stdout)
    assert set(report) == {"version", "ready", "checks"}
    assert done.returncode == (0 if report["ready"] else 1)
    checks = {check["name"]: check for check in report["checks"]}
    assert {"display", "capture", "pauser", "engine torch on cpu", "gpu", "demo game"} <= set(
        checks
    )
    for check in report["checks"]:
        assert set(check) == {"name", "level", "detail", "hint"}
        assert check["level"] in LEVELS
        assert check["detail"]
        assert check["level"] == "ok" or check["hint"], check
    assert report["ready"] == all(check["level"] != "problem" for check in report["checks"])
    assert (checks["capture"]["level"] == "ok") == with_display
    for trial in ("trial game", "trial picture", "trial pad", "folder data", "folder settings"):
        assert checks[trial]["level"] == "ok", checks[trial]
    assert not left_running(tmp_path)
    assert [path.name for path in temporary.iterdir()] == []
    assert {path.name for path in tmp_path.iterdir()} <= {"temporary", "ledger"}
    assert not list((tmp_path / "ledger").iterdir())
    assert checks["pauser"]["level"] == "ok"


def test_doctor_exits_with_1_when_nothing_can_be_played(tmp_path: Path) -> None:
    """Without a display, Xvfb and a compiler there is a problem, and scripts must see it."""
    done = command("doctor", home=tmp_path, PATH=str(tmp_path))
    assert done.returncode == 1
    assert "xvfb" in done.stdout
    assert "Not ready" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_note_does_not_stop_play() -> None:
    """Only a problem does."""
    note, problem = Finding("a", Level.NOTE, "b"), Finding("c", Level.PROBLEM, "d")
    assert can_play([note])
    assert not can_play([note, problem])


def test_policies_inspect(tmp_path: Path) -> None:
    """The figures of a file."""
    from nitropilot.policy import random_policy, save_policy

    file = tmp_path / "tiny.safetensors"
    policy = random_policy()
    save_policy(policy, file)
    done = command("policies", "inspect", str(file), "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["parameters"] == sum(p.numel() for p in policy.parameters())
    assert (facts["horizon"], facts["action_dim"], facts["image_size"]) == (16, 25, 64)
    assert facts["bytes"] == file.stat().st_size


def test_sessions_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    """Two traces in one folder would overwrite each other."""
    folders = {new_session_folder(tmp_path / "out") for _ in range(5)}
    assert len(folders) == 5
    assert set((tmp_path / "out").iterdir()) == folders


def one_object(text: str) -> dict[str, Any]:
    """The one JSON object that a command printed."""
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_play_launches_plays_and_ends(tmp_path: Path) -> None:
    """The first thing a new user tries, on a machine without a screen."""
    needs_preload()
    done = fresh_command(
        "play", "--launch", "runner", "--policy", POLICY, "--engine", "torch",
        "--seconds", "2", "--seed", "1", "--controls", "left_stick", "--controls", "a",
        "--out", str(tmp_path / "out"), "--record", "--draw", "--json", home=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = one_object(done.stdout)
    assert facts["state"] == "stopped"
    assert "played for 2 s" in facts["reason"]
    assert facts["actions_sent"] > 0
    assert facts["policy_random"] is True
    assert {"RIGHT_STICK", "X"} <= set(facts["held_back"])
    assert not {"LEFT_STICK", "A"} & set(facts["held_back"])
    assert facts["trace"].startswith(str(tmp_path / "out"))
    assert facts["video"].startswith(str(tmp_path / "out"))
    assert facts["recording"].startswith(str(tmp_path / "out" / "recordings"))
    assert (Path(facts["recording"]) / "video.mp4").stat().st_size > 0
    told = json.loads((Path(facts["recording"]) / "recording.json").read_text())
    assert told["game"] == "runner", "and not the interpreter that it runs in"
    assert len(re.findall("random weights", done.stderr)) == 1
    assert len(done.stderr.splitlines()) == 1, "without -v only warnings are shown"
    assert left_running(tmp_path) == []


def test_a_home_with_a_space_and_a_tilde_in_quotes(tmp_path: Path) -> None:
    """A preload list takes no spaces, and some libraries read "~" where others do not: the pad
    was refused, and the recording lost without a word."""
    needs_preload()
    home = tmp_path / "my home"
    home.mkdir()
    done = fresh_command(
        "play", "--launch", "runner", "--policy", POLICY, "--engine", "torch", "--seconds", "1",
        "--out", "~/a folder/../out", "--record", "--json", home=tmp_path,
        HOME=str(home), TMPDIR=str(tmp_path), XDG_CACHE_HOME="",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = one_object(done.stdout)
    assert facts["pad"] == "sdl"
    assert facts["actions_sent"] > 0
    assert Path(facts["trace"]).is_relative_to(home)
    assert (Path(facts["recording"]) / "video.mp4").stat().st_size > 0
    assert (home / "out" / "recordings").is_dir()


def test_what_was_not_recorded_is_no_success(tmp_path: Path) -> None:
    """A script that plays a night for its recordings has to see that there are none."""
    needs_preload()
    (tmp_path / "config").mkdir()
    settings = '{"recording": {"keep_free_gb": 1000000}}'
    (tmp_path / "config" / "settings.json").write_text(settings)
    done = command(
        "play", "--launch", "runner", "--policy", POLICY, "--engine", "torch", "--seconds", "1",
        "--out", str(tmp_path / "out"), "--record", "--json", home=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    facts = one_object(done.stdout)
    assert facts["state"] == "stopped"
    assert facts["recording"] is None
    assert done.stderr.count("nitropilot: nothing is recorded") == 1


def test_play_says_which_mode_it_chose(tmp_path: Path) -> None:
    """``auto`` is the default: without the reason nobody knows why a game is frozen, or not."""
    needs_preload()
    done = command(
        "play", "--launch", "runner", "--policy", POLICY, "--seconds", "1", "--json",
        "--action-hz", "1", "--out", str(tmp_path / "out"), home=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = one_object(done.stdout)
    assert facts["mode"] == "realtime"
    assert facts["mode_reason"].startswith("auto: a chunk takes ")
    assert 0 <= facts["fresh_share"] <= 1
    assert facts["seconds_frozen"] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_play_in_good_order(
    tmp_path: Path, game: RunningGame, x_display: PrivateDisplay, name: str
) -> None:
    """Ctrl-C, kill and a closed terminal: a report, a neutral pad, a running game."""
    with subprocess.Popen(
        [sys.executable, "-m", "nitropilot", "play", "--pid", str(game.pid), "--policy", POLICY,
         "--json"], cwd=ROOT, env=environment(tmp_path, x_display.name),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        until(lambda: not page_is_neutral(game.page.path), "the first press")
        process.send_signal(getattr(signal, name))
        printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    facts = one_object(printed)
    assert (facts["state"], facts["reason"]) == ("stopped", f"ended by {name}")
    assert game.pad_is_neutral()
    assert game.runs()
    assert left_running(tmp_path) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="private displays are for Linux")
def test_a_signal_ends_a_launch_that_waits_for_a_window(tmp_path: Path) -> None:
    """The wrong program was named: neither it nor its display may stay, or keep us waiting."""
    endless = (
        "import nitropilot.agent.target.launch as at; at.launch.__kwdefaults__['timeout'] = 1e6"
    )
    with subprocess.Popen(
        [sys.executable, "-c", f"{endless}; from nitropilot.server.cli.main import main; main()",
         "play", "--launch", "sleep 1000", "--headless", "--policy", POLICY, "--json"],
        cwd=ROOT, env=environment(tmp_path, None), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        until(lambda: "sleep" in {found.name() for found in left_running(tmp_path)}, "the launch")
        process.send_signal(signal.SIGTERM)
        printed, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    facts = one_object(printed)
    assert (facts["state"], facts["reason"]) == ("stopped", "ended by SIGTERM")
    assert left_running(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_while_the_policy_loads(tmp_path: Path, game: RunningGame) -> None:
    """Nothing was played, and a script has to learn that."""
    slow = (
        "import time, nitropilot.server.cli.play.options as at\n"
        "def slowly(*given, real=at.load_engine, **more):\n"
        "    print('loads', flush=True), time.sleep(1)\n"
        "    return real(*given, **more)\n"
        "at.load_engine = slowly\n"
        "from nitropilot.server.cli.main import main\n"
        "main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", slow, "play", "--pid", str(game.pid), "--policy", POLICY],
        cwd=ROOT, env=environment(tmp_path, game.window.display), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "loads\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert said.endswith("interrupted\n")
    assert game.pad_is_neutral()


def test_demo_proves_that_the_pad_moves_the_picture(tmp_path: Path) -> None:
    """The demo's one claim, on the game that is always there."""
    needs_preload()
    done = fresh_command(
        "demo", "--game", "runner", "--seconds", "2", "--no-arcade", "--json", home=tmp_path
    )
    assert done.returncode == 0, done.stderr
    facts = one_object(done.stdout)
    assert facts["picture_changed_by_pad"] is True
    assert facts["pad_effect"]["held"] > facts["pad_effect"]["before"]
    assert left_running(tmp_path) == []


def test_verbose_says_what_happens(tmp_path: Path) -> None:
    """With -v the steps of a session can be followed, each on one line however narrow."""
    needs_preload()
    arguments = ("--launch", "runner", "--policy", POLICY, "--seconds", "0.1", "--json")
    done = command("-v", "play", *arguments, home=tmp_path, COLUMNS="20")
    assert one_object(done.stdout)["state"] == "stopped"
    assert re.search(r"^.*INFO nitropilot.session: .* attaching -> playing$", done.stderr, re.M)
