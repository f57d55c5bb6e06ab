"""Games by name: what is found, what is not, and what is said then."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from nitropilot.agent import LaunchFailed
from nitropilot.agent.target.recipe import PROFILE
from nitropilot.simulator.games.known import KNOWN_GAMES
from nitropilot.simulator.games.recipes import (
    find_recipe,
    installed,
    split_command,
)


def test_a_game_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint must name the package: nobody guesses that a game's program ends in 2."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("nitropilot.simulator.games.known.GAMES_FOLDER", "")
    with pytest.raises(LaunchFailed, match="SuperTux is not installed") as failure:
        find_recipe("SuperTux")
    assert "apt-get install supertux" in failure.value.hint
    assert not installed("supertux")
    assert installed("runner")


@pytest.mark.parametrize("text", ["no-such-game --fast", "", "   ", "'"])
def test_an_unknown_command(text: str) -> None:
    """A typing error must name the known games, not end in a traceback."""
    with pytest.raises(LaunchFailed) as failure:
        find_recipe(text)
    assert repr(text) in str(failure.value)
    assert failure.value.hint
    assert "\n" not in failure.value.line()


def test_any_command_line_is_a_game(tmp_path: Path) -> None:
    """Arguments with spaces must arrive as they were quoted; the player's HOME stays."""
    recipe = find_recipe(shlex.join([sys.executable, "-c", "print('a b')", "two words"]))
    assert recipe.command(tmp_path)[1:] == ["-c", "print('a b')", "two words"]
    assert not recipe.private_profile


def test_a_players_own_words_are_never_replaced(tmp_path: Path) -> None:
    """A command line is the player's: braces in it may mean something to the game."""
    recipe = find_recipe(shlex.join([sys.executable, PROFILE]))
    assert recipe.command(tmp_path)[1:] == [PROFILE]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r'"C:\Program Files\A Game\game.exe" -w', [r"C:\Program Files\A Game\game.exe", "-w"]),
        (
            r'C:\Games\game.exe --save="C:\My Saves\1"',
            [r"C:\Games\game.exe", r"--save=C:\My Saves\1"],
        ),
        (r"C:\Games\Tom's\game.exe #1", [r"C:\Games\Tom's\game.exe", "#1"]),
        (r'"C:\A Folder\" ""', ["C:\\A Folder\\", ""]),
    ],
)
def test_command_lines_of_windows(text: str, words: list[str]) -> None:
    """Nothing under ``C:\\Program Files`` could be launched: the quotes stayed in the path."""
    assert split_command(text, windows=True) == words


def test_a_path_with_spaces(tmp_path: Path) -> None:
    """A shell takes the quotes away, and then the path is all there is."""
    program = tmp_path / "my games" / ("a game.exe" if sys.platform == "win32" else "a game")
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for text in (str(program), f'  "{program}" ', f'"{program}" "two words"'):
        recipe = find_recipe(text)
        assert (recipe.name, recipe.program) == ("a game", str(program))
    assert recipe.arguments == ("two words",)


@pytest.mark.parametrize("name", KNOWN_GAMES)
def test_known_games_take_any_spelling(name: str, tmp_path: Path) -> None:
    """What the README writes with capitals must be found."""
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    recipe = find_recipe(f" {name.upper()} ")
    assert recipe.name == name
    assert Path(recipe.program).is_file()
    assert all(isinstance(word, str) for word in recipe.command(tmp_path))
