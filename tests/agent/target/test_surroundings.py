"""What a launched game finds around it: its display, its profile, and no code of chance."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent import LaunchFailed, Recipe
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.launch import launch
from nitropilot.children import CODE_LISTS, find_program, leave_out_current_folder, module_command
from nitropilot.controller.pads.shim_build import build_shim
from nitropilot.simulator.games.recipes import find_recipe
from tests.agent.playing import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Xvfb and the preloaded pad are for Linux"
)

TELLING = Recipe(
    "line", sys.executable,
    ("-c", "import json, os; print(json.dumps({**os.environ, 'CWD': os.getcwd()}))"),
)  # fmt: skip
DESKTOP = {
    "SDL_VIDEODRIVER": "wayland", "SDL_VIDEO_DRIVER": "wayland", "GDK_BACKEND": "wayland",
    "QT_QPA_PLATFORM": "wayland", "CLUTTER_BACKEND": "wayland", "XDG_SESSION_TYPE": "wayland",
    "WAYLAND_DISPLAY": "wayland-0", "EGL_PLATFORM": "wayland", "MOZ_ENABLE_WAYLAND": "1",
}  # fmt: skip
"""What a player's Wayland desktop sets for the programs on it."""
CARD = {
    "SDL_AUDIODRIVER": "pipewire", "ALSOFT_DRIVERS": "pipewire", "DRI_PRIME": "1",
    "__GLX_VENDOR_LIBRARY_NAME": "nvidia", "MESA_LOADER_DRIVER_OVERRIDE": "iris",
    "VK_ICD_FILENAMES": "/nowhere/nvidia.json", "SDL_RENDER_DRIVER": "vulkan",
}  # fmt: skip
"""What a player sets for sound and graphics card."""


def told(folder: Path, recipe: Recipe = TELLING, **options: bool) -> dict[str, str]:
    """The environment that a launched program has, and its folder as CWD."""
    log = folder / "game.log"
    with pytest.raises(LaunchFailed, match="ended at once"):
        launch(recipe, log=log, timeout=PATIENCE_S, **options)
    environment: dict[str, str] = json.loads(log.read_text())
    return environment


@pytest.fixture
def desktop(display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A player who works on a Wayland desktop with an X server beside it."""
    for name, value in {**DESKTOP, **CARD}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.game
@pytest.mark.usefixtures("desktop")
def test_a_game_plays_on_its_private_display(tmp_path: Path) -> None:
    """SDL would look for the Wayland display of the desktop, and end or play there."""
    game = launch(
        find_recipe("runner"), log=tmp_path / "game.log", headless=True, timeout=PATIENCE_S
    )
    try:
        assert game.display is not None
        assert game.window.display == game.display.name
    finally:
        game.close()


@pytest.mark.usefixtures("desktop")
@pytest.mark.parametrize("headless", [False, True])
def test_nothing_leads_a_game_away_from_its_display(tmp_path: Path, headless: bool) -> None:
    """Every toolkit has a variable of its own; sound and card stay as they are where both are."""
    environment = told(tmp_path, headless=headless)
    for name, value in DESKTOP.items():
        assert environment.get(name) != value, name
    for name, value in CARD.items():
        assert (environment.get(name) == value) is not headless, name
    assert (environment["DISPLAY"] == os.environ["DISPLAY"]) is not headless


def test_a_game_gets_nothing_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a secret nor the libraries that a package of ours has put before everybody's."""
    monkeypatch.setenv("NITROPILOT_SERVER_TOKEN", "sekrit")
    ours = "/somewhere/cv2/../../lib64"
    monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep.join([ours, "/theirs"]))
    environment = told(tmp_path)
    assert "sekrit" not in environment.values()
    assert environment["LD_LIBRARY_PATH"] == "/theirs"


@pytest.mark.usefixtures("desktop")
def test_what_a_recipe_names_counts(tmp_path: Path) -> None:
    """Who writes a recipe knows better what this one game needs."""
    named = (("SDL_VIDEODRIVER", "offscreen"),)
    recipe = Recipe("line", TELLING.program, TELLING.arguments, environment=named)
    assert told(tmp_path, recipe)["SDL_VIDEODRIVER"] == "offscreen"


@pytest.fixture
def traps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with programs in it that must not run, and lists that lead into it."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    sprung = folder / "sprung"
    for name in ("Xvfb", "cc", "gcc", "supertux2", "only-here"):
        trap = folder / name
        trap.write_text(f"#!/bin/sh\necho {name} >> {sprung}\nexit 3\n")
        trap.chmod(0o700)
    monkeypatch.chdir(folder)
    for name in CODE_LISTS:
        given = os.environ.get(name, "")
        monkeypatch.setenv(name, f":.:lib:{given}" if name != "LD_PRELOAD" else "./lib.so:")
    yield folder
    assert not sprung.exists(), f"code of the current folder ran: {sprung.read_text().split()}"


def test_programs_are_not_taken_from_the_current_folder(
    traps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A downloads folder in which somebody starts us may hold anything, under any name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert build_shim().is_file()
    PrivateDisplay.start((64, 64)).close()
    with pytest.raises(LaunchFailed, match="no such game or program"):
        find_recipe("only-here")
    with pytest.raises(LaunchFailed, match="cannot start only-here: no such program"):
        launch(Recipe("one", "only-here"), log=tmp_path / "game.log", headless=True)
    assert shutil.which("only-here"), "the trap is there for whoever looks carelessly"
    assert find_program("./only-here") == find_recipe("./only-here").program
    assert find_program("./only-here") == str(traps / "only-here")


def test_a_game_finds_no_code_in_the_current_folder(traps: Path, tmp_path: Path) -> None:
    """An empty entry, often the rest of a variable that was not set, means the current folder."""
    recipe = Recipe("line", TELLING.program, TELLING.arguments, private_profile=False)
    environment = told(tmp_path, recipe, headless=True)
    assert environment["CWD"] == str(traps), "it is still the player's folder"
    for name in CODE_LISTS:
        entries = environment[name].split(":") if name in environment else []
        assert all(map(os.path.isabs, entries)), (name, entries)
    assert environment["PATH"] == os.environ["PATH"].removeprefix(":.:lib:")


def test_libraries_of_the_system_are_still_preloaded() -> None:
    """A frame limiter is named without a folder; the loader separates by spaces as well."""
    given = {"LD_PRELOAD": "libgamemode.so.0 ./own.so:/opt/overlay.so", "HOME": "."}
    wanted = {"LD_PRELOAD": "libgamemode.so.0:/opt/overlay.so", "HOME": "."}
    assert leave_out_current_folder(given) == wanted


def test_our_own_processes_find_none_either(traps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command starts later, and what others start in its name, inherits this."""
    from nitropilot.server.cli.main import main

    monkeypatch.setattr(sys, "argv", ["nitropilot", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert all(map(os.path.isabs, os.environ["PATH"].split(":")))
    assert "CPATH" not in os.environ
    assert module_command("x")[:2] == [sys.executable, "-P"]
    assert traps.is_dir()
