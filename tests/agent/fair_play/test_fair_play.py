"""Protected games: found by what real processes run, have loaded and lie beside, and refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.agent import Target, open_game
from nitropilot.agent.errors import ProtectedGame
from nitropilot.agent.fair_play.files import MANY_GAMES, folders_of
from nitropilot.agent.fair_play.judging import (
    always_on,
    evidence_of,
    refuse_protected,
    refuse_protected_program,
)
from nitropilot.agent.fair_play.protections import PROTECTIONS
from nitropilot.controller.processes import descendants
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.playing import gone, stopped, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="starts programs of Linux")
SLEEP = shutil.which("sleep") or ""
MAPS = "import mmap; file = open({!r}, 'r+b'); kept = mmap.mmap(file.fileno(), 0)"


class Programs:
    """Starts real processes and ends them with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def named(self, name: str, *more: str) -> subprocess.Popen[bytes]:
        """A process whose program has that name, in a folder of its own."""
        place = self.folder / f"place-{len(self.started)}"
        place.mkdir()
        shutil.copy(SLEEP, place / name)
        return self.run(str(place / name), "600", *more)

    def run(self, *words: str) -> subprocess.Popen[bytes]:
        """A process with that command line, once it runs its program."""
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.started.append(process)
        until(lambda: psutil.Process(process.pid).cmdline() == list(words), f"{words[0]} runs")
        return process

    def python(self, code: str, *words: str) -> subprocess.Popen[bytes]:
        """A Python process that says when it is ready by making a file."""
        ready = self.folder / f"ready-{len(self.started)}"
        text = f"{code}\nimport pathlib, sys, time\npathlib.Path({str(ready)!r}).touch()\n"
        process = self.run(sys.executable, "-c", text + "time.sleep(600)", *words)
        until(lambda: ready.exists() or process.poll() is not None, "the program is ready")
        assert ready.exists(), "the program ended"
        return process


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """Real processes for one test."""
    programs = Programs(tmp_path)
    yield programs
    for process in programs.started:
        for pid in descendants(process.pid):
            psutil.Process(pid).kill()
        process.kill()
        process.wait()


def found(pid: int) -> list[tuple[str, str]]:
    """Names of the protections that a process shows, and how."""
    return [(one.protection.name, one.how) for one in evidence_of(pid)]


def test_an_ordinary_game_is_free(runner: LaunchedGame) -> None:
    """A rule that refuses everything would protect everybody from playing at all."""
    assert found(runner.process.pid) == []
    refuse_protected(runner.process.pid)


@pytest.mark.parametrize(
    ("name", "protection"),
    [
        ("EasyAntiCheat_EOS.exe", "Easy Anti-Cheat"),
        ("BEService_x64.exe", "BattlEye"),
        ("GameMon.des", "nProtect GameGuard"),
        ("PnkBstrA", "PunkBuster"),
        ("EAAntiCheat.GameServiceLauncher.exe", "EA AntiCheat"),
        ("SGuard64.exe", "Anti-Cheat Expert"),
    ],
)
def test_a_program_of_the_tree(programs: Programs, name: str, protection: str) -> None:
    """The anti-cheat's own program, started by the game; long names are cut by the kernel."""
    place = programs.folder / "sub"
    place.mkdir()
    shutil.copy(SLEEP, place / name)
    start = f"import subprocess; subprocess.Popen([{str(place / name)!r}, '600'])"
    game = programs.python(start)
    names = until(lambda: found(game.pid), "the anti-cheat program runs")
    assert names[0] == (protection, f"its program {name.lower()} runs with the game")
    with pytest.raises(ProtectedGame, match=protection):
        refuse_protected(game.pid)


def test_a_program_that_started_the_game(programs: Programs) -> None:
    """Launchers such as ``start_protected_game.exe`` are the game's parents."""
    place = programs.folder / "start_protected_game.exe"
    shutil.copy(Path(sys.executable).resolve(), place)
    child = programs.folder / "child"
    code = (
        "import pathlib, subprocess, time\n"
        f"game = subprocess.Popen([{SLEEP!r}, '600'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(game.pid))\n"
        "time.sleep(600)"
    )
    programs.run(str(place), "-c", code)
    pid = until(lambda: child.exists() and child.read_text(), "the child runs")
    assert found(int(pid))[0][0] == "Easy Anti-Cheat"


@pytest.mark.parametrize(
    ("name", "protection"),
    [
        ("beclient_x64.so", "BattlEye"),
        ("easyanticheat_x64.so", "Easy Anti-Cheat"),
        ("x3.xem", "XIGNCODE3"),
        ("vgk.sys", "Vanguard"),
    ],
)
def test_a_loaded_library(programs: Programs, name: str, protection: str) -> None:
    """A library that the game has mapped from wherever, deleted or not."""
    library = programs.folder / "elsewhere" / name
    library.parent.mkdir()
    library.write_bytes(b"x" * 4096)
    game = programs.python(MAPS.format(str(library)))
    assert found(game.pid) == [(protection, f"the game has loaded {name}")]
    library.unlink()
    assert found(game.pid) == [(protection, f"the game has loaded {name}")]


@pytest.mark.parametrize("up", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("name", "protection"),
    [("EasyAntiCheat", "Easy Anti-Cheat"), ("Denuvo Anti-Cheat", "Denuvo Anti-Cheat")],
)
def test_a_folder_beside_the_game(programs: Programs, name: str, protection: str, up: int) -> None:
    """As in ``Game/Binaries/Win64``: the anti-cheat lies beside the program, or above it."""
    place = programs.folder / "title" / "Game" / "Binaries" / "Win64"
    place.mkdir(parents=True)
    where = [place, *place.parents][up]
    (where / name).mkdir()
    shutil.copy(SLEEP, place / "Title.exe")
    game = programs.run(str(place / "Title.exe"), "600")
    assert found(game.pid) == [(protection, f"{name.lower()} lies in {where}")]
    with pytest.raises(ProtectedGame):
        refuse_protected_program(str(place / "Title.exe"))


def test_another_game_of_the_same_library_says_nothing(programs: Programs) -> None:
    """One protected game in a Steam library must not make the whole library unplayable."""
    library = programs.folder / "steamapps" / "common"
    (library / "Other" / "EasyAntiCheat").mkdir(parents=True)
    (library / "EasyAntiCheat").mkdir()
    place = library / "Mine"
    place.mkdir()
    shutil.copy(SLEEP, place / "mine")
    assert found(programs.run(str(place / "mine"), "600").pid) == []


def test_the_folder_of_an_interpreters_script(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under Wine, Java or Python the executable is not where the game lies."""
    script = programs.folder / "title" / "game.py"
    script.parent.mkdir()
    (script.parent / "GameGuard.des").touch()
    script.write_text("import time; time.sleep(600)")
    game = programs.run(sys.executable, str(script))
    assert found(game.pid)[0][0] == "nProtect GameGuard"
    monkeypatch.chdir(script.parent)
    relative = programs.run(sys.executable, "game.py")
    with pytest.raises(ProtectedGame):
        refuse_protected_program(sys.executable, ["game.py"])
    monkeypatch.chdir("/")
    assert found(relative.pid)[0][0] == "nProtect GameGuard"


def test_a_mapped_windows_program_names_the_folder(programs: Programs) -> None:
    """Wine runs ``Game.exe`` from a loader of its own; only the mapping says where it lies."""
    program = programs.folder / "title" / "Game.exe"
    program.parent.mkdir()
    program.write_bytes(b"MZ" * 2048)
    (program.parent / "BattlEye").mkdir()
    game = programs.python(MAPS.format(str(program)))
    assert found(game.pid)[0][0] == "BattlEye"


def test_online_games_by_their_name(programs: Programs) -> None:
    """Games of Valve's show nothing on disk; with -insecure no secured server lets them in."""
    assert found(programs.named("csgo_linux64").pid)[0][0] == "Valve Anti-Cheat"
    code = "import time; time.sleep(600)"
    place = programs.folder / "cs2"
    shutil.copy(Path(sys.executable).resolve(), place)
    assert found(programs.run(str(place), "-c", code).pid)[0][0] == "Valve Anti-Cheat"
    assert found(programs.run(str(place), "-c", code, "-insecure").pid) == []


@pytest.mark.machine_wide
def test_always_on_systems_do_not_refuse_other_games(programs: Programs) -> None:
    """Vanguard runs on every machine that ever had it; it is said, and refuses its own games."""
    assert all(one.protection.name != "Vanguard" for one in always_on())
    programs.named("vgc.exe")
    assert [one.how for one in always_on() if one.protection.name == "Vanguard"] == [
        "the program vgc.exe runs"
    ]
    assert found(programs.named("my-platformer").pid) == []
    assert found(programs.named("VALORANT.exe").pid)[0][0] == "Vanguard"


def test_an_ended_process_says_nothing(programs: Programs) -> None:
    """Whoever takes hold of it reports that it is gone, which is the better message."""
    process = programs.named("short")
    process.kill()
    process.wait()
    assert found(process.pid) == []
    refuse_protected(None)


def test_a_protected_game_is_neither_paused_nor_pressed(
    programs: Programs, display: PrivateDisplay
) -> None:
    """The refusal must come before a pad is plugged in or the process is stopped."""
    place = programs.folder / "title"
    (place / "EasyAntiCheat").mkdir(parents=True)
    script = place / "game.py"
    script.write_text(
        "import runpy; runpy.run_module('nitropilot.simulator.arcade.runner', run_name='__main__')"
    )
    with pytest.raises(ProtectedGame) as refused:
        open_game(
            Target(launch=find_recipe(f"{sys.executable} {script}"), display=display.name),
            log=programs.folder / "log",
        )
    assert "cannot be overridden" in refused.value.hint
    assert not (programs.folder / "log").exists() or not (programs.folder / "log").read_text()
    from nitropilot.capture import WindowNotFound, find_window
    from tests.agent.playing import PATIENCE_S

    game = programs.run(sys.executable, "-m", "nitropilot.simulator.arcade.runner", str(script))
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            find_window(pid=game.pid, display=display.name)
            break
        except WindowNotFound:
            assert time.monotonic() < deadline, "the game shows no window"
            time.sleep(0.1)
    with pytest.raises(ProtectedGame, match="easyanticheat lies in"):
        open_game(Target(pid=game.pid, display=display.name), log=programs.folder / "log")
    assert not stopped(game.pid)
    assert not gone(game.pid)
    assert psutil.Process(game.pid).children() == []


def test_folders_stop_at_what_is_shared(tmp_path: Path) -> None:
    """A home or a system folder is no game's own: what lies there belongs to somebody else."""
    assert folders_of("/usr/games/supertux2", [], None) == []
    home = Path.home()
    assert folders_of(str(home / "mine"), [], None) == []
    assert folders_of(str(home / "bin" / "mine"), [], None) == [[home / "bin"]]
    place = tmp_path / "steamapps" / "common" / "Title" / "bin" / "title"
    assert folders_of(str(place), [], None) == [[place.parent, place.parent.parent]]
    assert folders_of("", ["--level", "-x", "relative/file", "a\0b"], None) == []


@pytest.mark.parametrize(
    ("name", "mode"),
    [("Downloads", 0o755), ("Desktop", 0o755), ("Bureau", 0o755), ("Games", 0o755),
     ("drop", 0o1777), ("portable", 0o755)],
)  # fmt: skip
def test_neighbours_in_a_shared_folder_say_nothing(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, name: str, mode: int
) -> None:
    """An installer of another game's anti-cheat in Downloads would make a game unplayable; one
    in the game's own folder there counts."""
    home = programs.folder / "me"
    shared = home / name
    shared.mkdir(parents=True)
    shared.chmod(mode)
    config = home / ".config"
    config.mkdir()
    (config / "user-dirs.dirs").write_text('# of the desktop\nXDG_DESKTOP_DIR="$HOME/Bureau"\n')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if name == "portable":  # a folder of many games, whatever it is called
        for number in range(MANY_GAMES):
            (shared / f"title-{number}").mkdir()
            (shared / f"title-{number}" / "Title.exe").touch()
    (shared / "EasyAntiCheat_EOS_Setup.exe").touch()
    (shared / "BattlEye").mkdir()
    shutil.copy(SLEEP, shared / "mine")
    assert found(programs.run(str(shared / "mine"), "600").pid) == []
    refuse_protected_program(str(shared / "mine"))
    own = shared / "Mine" / "Windows"
    own.mkdir(parents=True)
    shutil.copy(SLEEP, own / "mine")
    assert found(programs.run(str(own / "mine"), "600").pid) == []
    (own / "EasyAntiCheat").mkdir()
    with pytest.raises(ProtectedGame, match="easyanticheat lies in"):
        refuse_protected_program(str(own / "mine"))


def test_the_table_can_be_found_and_names_nothing_twice() -> None:
    """A name in capitals is never found; one of two systems would be given the wrong name."""
    seen: dict[str, str] = {}
    for protection in PROTECTIONS:
        names = protection.programs | protection.files | protection.services | protection.games
        assert names, protection.name
        for name in names:
            assert name == name.lower().strip(), name
            assert "/" not in name and "\\" not in name, name
            assert name not in seen, (name, seen.get(name))
            seen[name] = protection.name
    assert len(seen) > 100
