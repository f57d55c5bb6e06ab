"""Every folder of the catalogue: what it says, and that it can be believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from nitropilot.agent.pad.guards import parse_buttons
from nitropilot.simulator.games import known
from nitropilot.simulator.games.known import KNOWN_GAMES, SHEET, read_game

FOLDER = Path(known.__file__).parent
FOLDERS = sorted(path.name for path in FOLDER.iterdir() if (path / "__init__.py").exists())


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_says_all_that_is_needed(name: str) -> None:
    """What a sheet leaves out is missed by somebody who plays, judges or passes it on."""
    game = KNOWN_GAMES[name]
    assert game == read_game(FOLDER / name)
    assert game.title and game.licence and game.pad_notes
    if game.launch.program:
        assert game.packages, "how is it installed?"
        assert game.tried, "with which version was it tried?"
        assert game.asked and game.answers, "how does it say its version?"
    for wait, button in game.launch.opening:
        assert wait >= 0
        assert parse_buttons([button])
    for number, task in enumerate(game.tasks, 1):
        assert task.name == f"{name}-{number}"
        assert task.goal
        assert 0 < task.seconds <= 600


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "launch"),
        ("title = 3 =", "TOMLDecodeError"),
        ('[launch]\nprogram = "a"\nmodule = "b"', "one of program and module"),
        ('[launch]\nprogram = "a"\nspeed = 3', "speed"),
        (
            'perspective = "3D"\nlayout = "fixed"\n[launch]\nprogram = "a"\n'
            '[pad]\nnotes = "-"\n[hold]\nfreeze = "clock"',
            "argument 'freeze'",
        ),
        (
            'title = "A"\nlicence = "MIT"\nperspective = "4D"\nlayout = "fixed"\n'
            '[launch]\nprogram = "a"\n[pad]\nnotes = "-"\n'
            "[hold]\nlockstep = true\nsettle = true",
            "'4D' is not one of 2D side",
        ),
    ],
)
def test_a_sheet_that_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    """Who adds a game must be told which file is wrong, and how."""
    (tmp_path / SHEET).write_text(text)
    with pytest.raises(ValueError, match=said) as failure:
        read_game(tmp_path)
    assert str(tmp_path / SHEET) in str(failure.value)
