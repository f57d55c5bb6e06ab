"""Every mistake a user can make on the command line ends in one line and exit status 2."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.server.conftest import needs_preload
from tests.server.processes import POLICY, ROOT, command, environment, left_running, running_game

if TYPE_CHECKING:
    from nitropilot.agent.target.display import PrivateDisplay
    from tests.server.processes import RunningGame

PLAY = ("play", "--policy", POLICY)
LAUNCH = ("play", "--launch", "runner")
NOWHERE = "/no/such/checkpoint.pt"


def error_of(done: subprocess.CompletedProcess[str], home: Path, lines: int = 1) -> str:
    """The error's line, after checking that there is nothing else: no output, nothing running."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert done.stdout == ""
    # The other things on stderr are the log, here about a policy that loaded well, maybe as the
    # first one on this machine.
    about = ("compiling ", "compiled in ", "measuring how fast the engines are ")
    said = [
        line
        for line in done.stderr.splitlines()
        if "random weights" not in line and not line.startswith(about)
    ]
    assert len(said) == lines, done.stderr
    assert said[0].startswith("nitropilot: ")
    assert left_running(home) == []
    return said[0]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((*PLAY, "--window", "0x7ffffff1"), "0x7ffffff1"),
        ((*PLAY, "--window", "my game"), "'my game' is not a window handle"),
        ((*PLAY, "--pid", "4194303"), "4194303"),
        ((*PLAY, "--pid", "1208925819614629174706176"), "1208925819614629174706176"),
        ((*PLAY, "--pid", "0"), "--pid"),
        ((*PLAY, "--process", "no such game"), "no such game"),
        ((*PLAY, "--process", ""), "no window was named"),
        (PLAY, "no game was named"),
        ((*PLAY, "--pid", "5", "--launch", "runner"), "both"),
        ((*PLAY, "--launch", "no-such-game"), "no-such-game"),
        ((*PLAY, "--launch", ""), "launch"),
        ((*PLAY, "--launch", "'unclosed"), "unclosed"),
        ((*PLAY, "--engine", "torch", "--launch", "true"), "ended at once"),
        ((*LAUNCH, "--policy", NOWHERE), NOWHERE),
        ((*LAUNCH, "--policy", __file__), Path(__file__).name),
        ((*LAUNCH, "--policy", "random:huge"), "huge"),
        ((*LAUNCH, "--policy", POLICY, "--engine", "abacus"), "abacus"),
        ((*LAUNCH, "--policy", POLICY, "--device", "tpu"), "tpu"),
        ((*LAUNCH, "--policy", POLICY, "--pad", "xbox"), "xbox"),
        ((*LAUNCH, "--policy", POLICY, "--allow", "turbo"), "turbo"),
        ((*LAUNCH, "--policy", POLICY, "--controls", "jump"), "jump"),
        ((*LAUNCH, "--policy", POLICY, "--mode", "fast"), "fast"),
        ((*LAUNCH, "--policy", POLICY, "--action-hz", "0"), "--action-hz"),
        ((*LAUNCH, "--policy", POLICY, "--steps", "0"), "steps is 0"),
        ((*LAUNCH, "--policy", POLICY, "--steps", "few"), "steps is 'few'"),
        ((*LAUNCH, "--server", "ws://[::1]:1", "--steps", "4"), "4 steps cannot be chosen here"),
        ((*LAUNCH, "--server", "ws://[::1]:1", "--steps", "auto"), "a policy server decides"),
        ((*LAUNCH, "--policy", POLICY, "--out", "/dev/null"), "/dev/null"),
        ((*LAUNCH, "--policy", POLICY, "--turbo"), "--turbo"),
        ((*LAUNCH, "--policy", POLICY, "--out", f"{__file__}/out"), "test_bad_input.py/out"),
        (("paly",), "paly"),
        (("demo", "--game", "bash"), "bash"),
        (("demo", "--game", "runner", "--policy", NOWHERE), NOWHERE),
        (("policies", "inspect", NOWHERE), NOWHERE),
        (("policies", "inspect", __file__, "--json"), Path(__file__).name),
        (("policies", "inspect"), "POLICY"),
        (("windows", "--display", ":63999"), ":63999"),
        (("serve", "--port", "70000"), "70000"),
        (("serve", "--port", "-1"), "-1"),
        (("serve", "--port", "http"), "--port"),
        (("serve", "--host", "0.0.0.0"), "0.0.0.0"),
        (("serve", "--host", "192.0.2.1"), "192.0.2.1"),
        (("serve", "--host", "example.com"), "example.com"),
        (("serve", "--host", ""), "''"),
        (("serve", "--port", "0", "--policy", NOWHERE), NOWHERE),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(
    tmp_path: Path, x_display: PrivateDisplay, arguments: tuple[str, ...], word: str
) -> None:
    """No traceback, no output that a script would read as a result, nothing left behind."""
    line = error_of(command(*arguments, home=tmp_path, display=x_display.name), tmp_path)
    assert word.lower() in line.lower()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((*PLAY, "--pid", "5"), "DISPLAY"),
        (("windows", "--json"), "DISPLAY"),
        ((*LAUNCH, "--policy", POLICY, "--no-headless"), "no display"),
    ],
)
def test_no_display(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    """Over ssh, and in a container."""
    assert word in error_of(command(*arguments, home=tmp_path), tmp_path)


@pytest.mark.parametrize("game", [("runner", "--no-headless"), ("./no-such-program",)])
def test_what_cannot_be_launched_loads_nothing(tmp_path: Path, game: tuple[str, ...]) -> None:
    """A policy takes up to a minute to load, and gigabytes: it is said before."""
    arguments = ("play", "--policy", POLICY, "--launch", *game)
    done = command(*arguments, home=tmp_path, NITROPILOT_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "cache").exists()


NO_ACCOUNT = (
    "import pwd, runpy, sys\n"
    "def getpwuid(uid): raise KeyError(uid)\n"
    "pwd.getpwuid = getpwuid\n"
    "runpy.run_module('nitropilot', run_name='__main__', alter_sys=True)\n"
)
"""The command, for a user that the system does not know."""


def without_account(*arguments: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the command without HOME, as a user without an account, as some containers do."""
    variables = environment(tmp_path, None, TMPDIR=str(tmp_path))
    for name in list(variables):
        if name == "HOME" or name.startswith(("XDG_", "NITROPILOT_")):
            del variables[name]
    return subprocess.run(
        [sys.executable, "-c", NO_ACCOUNT, *arguments], env=variables | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="accounts as POSIX has them")
def test_no_home_and_no_account(tmp_path: Path) -> None:
    """A container with a user number of its own: the fix in a line, no traceback."""
    for arguments, variable in (
        (("token",), "NITROPILOT_CONFIG"), (("serve", "--port", "0"), "NITROPILOT_CONFIG"),
        ((*LAUNCH, "--policy", POLICY), "NITROPILOT_DATA"),
    ):  # fmt: skip
        line = error_of(without_account(*arguments, tmp_path=tmp_path), tmp_path)
        assert "there is no home folder" in line
        assert variable in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="accounts as POSIX has them")
def test_without_a_home_there_is_play_where_it_is_told_to_write(tmp_path: Path) -> None:
    """Caches have a substitute: they cost time, and no play."""
    needs_preload()
    done = without_account(
        *LAUNCH, "--policy", POLICY, "--engine", "torch", "--seconds", "1", "--out", "out",
        "--json", tmp_path=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the cache of this user cannot be used") == 1
    assert Path(json.loads(done.stdout)["trace"]).is_relative_to(tmp_path / "out")


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody can write")
def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """Which folder, and what names another."""
    nowhere = {"NITROPILOT_CONFIG": "", "NITROPILOT_DATA": "", "HOME": "/sys"}
    for arguments, variable in (
        (("token",), "NITROPILOT_CONFIG"), ((*LAUNCH, "--policy", POLICY), "NITROPILOT_DATA"),
    ):  # fmt: skip
        line = error_of(command(*arguments, home=tmp_path, **nowhere), tmp_path)
        assert "/sys/" in line
        assert variable in line


def path_with(folder: Path, *programs: str) -> str:
    """A PATH on which only these programs are found."""
    for name in programs:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        (folder / name).symlink_to(found)
    return str(folder)


def test_no_xvfb(tmp_path: Path) -> None:
    """Neither a display nor a way to make one."""
    needs_preload()
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    path = path_with(bin_folder, "cc", "as", "ld")
    done = command(*LAUNCH, "--policy", POLICY, home=tmp_path, PATH=path)
    line = error_of(done, tmp_path)
    assert "Xvfb is not installed" in line
    assert "apt-get install xvfb" in line


@pytest.mark.parametrize("more", [{"PATH": "/nowhere"}, {"CC": "no-such-cc"}])
def test_no_compiler(tmp_path: Path, x_display: PrivateDisplay, more: dict[str, str]) -> None:
    """The preloaded pad cannot be built: say what to install, launch nothing."""
    if sys.platform != "linux":
        pytest.skip("the preloaded pad is for Linux")
    more = {"CC": "", **more}
    done = command(*LAUNCH, "--policy", POLICY, home=tmp_path, display=x_display.name, **more)
    assert "no C compiler found" in error_of(done, tmp_path)


def test_a_game_that_is_not_installed(tmp_path: Path, x_display: PrivateDisplay) -> None:
    """The line names the package that has it."""
    code = (
        "from nitropilot.simulator.games import known; known.GAMES_FOLDER = '/nowhere'\n"
        "from nitropilot.server.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *PLAY, "--launch", "supertux"], cwd=ROOT, text=True,
        env=environment(tmp_path, x_display.name, PATH="/nowhere"), capture_output=True,
    )  # fmt: skip
    line = error_of(done, tmp_path)
    assert "SuperTux is not installed" in line
    assert "apt-get install supertux" in line


def test_several_matches_are_listed(
    tmp_path: Path, game: RunningGame, x_display: PrivateDisplay
) -> None:
    """The player must be able to choose from what is printed."""
    with running_game(x_display.name) as other:
        arguments = (*PLAY, "--process", game.window.executable, "--json")
        done = command(*arguments, home=tmp_path, display=x_display.name)
        error_of(done, tmp_path, lines=3)
        listed = done.stderr.splitlines()[1:]
        for one in (game, other):
            assert any(
                f"{one.window.handle:#x}" in line and f"pid {one.pid}" in line for line in listed
            )
            assert one.runs()


def test_a_game_of_another_user_is_refused(tmp_path: Path, x_display: PrivateDisplay) -> None:
    """Also by root, who could: it is named, and neither paused nor pressed."""
    if sys.platform == "win32" or os.geteuid() != 0:
        pytest.skip("needs root to start a process of another user")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.server.foreign_window", x_display.name, "65534"], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as theirs:  # fmt: skip
        try:
            assert theirs.stdout is not None
            handle = theirs.stdout.readline().strip()
            arguments = (*PLAY, "--window", handle)
            done = command(*arguments, home=tmp_path, display=x_display.name)
            assert "65534" in error_of(done, tmp_path)
        finally:
            theirs.kill()


def test_a_port_in_use(tmp_path: Path) -> None:
    """Such as a second daemon: its number must be named, and no token be made for nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        line = error_of(command("serve", "--port", port, home=tmp_path), tmp_path)
        assert f"port {port}" in line
        done = command("serve", home=tmp_path, NITROPILOT_PORT=port)
        assert f"port {port}" in error_of(done, tmp_path)
    assert not (tmp_path / "config").exists()


def test_an_open_token_file_stops_the_daemon(tmp_path: Path) -> None:
    """It must neither serve with a token that others know nor replace it silently."""
    if sys.platform == "win32":
        pytest.skip("Windows has access lists, not modes")
    assert command("token", home=tmp_path).returncode == 0
    (tmp_path / "config" / "token").chmod(0o644)
    line = error_of(command("serve", "--port", "0", home=tmp_path), tmp_path)
    assert re.search(r"mode 644.*chmod 600", line)
