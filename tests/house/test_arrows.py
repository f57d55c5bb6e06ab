"""The house rules of docs/architecture.md that a machine can check, room by room."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.house.imports import ROOMS, SHARED, files, graph
from tests.support.places import ROOT

LONGEST = 300
FORBIDDEN_AT_IMPORT = {"vgamepad", "libevdev", "Xlib", "mss", "pygame", "tensorrt", "openvino"}
COMMAND = "nitropilot.__main__"
"""``python -m nitropilot`` is the command line, which lives in ``server``."""
FACE = "nitropilot"
"""``import nitropilot`` offers what rooms have, and loads it when it is asked for."""


@pytest.mark.parametrize("room", ROOMS)
def test_arrows_point_one_way(room: str) -> None:
    """A low room that imports a high one cannot be used, or understood, without it."""
    allowed = ROOMS[room] | {room, "nitropilot"}
    wrong = {
        module: extra
        for module, others in graph().items()
        if module.split(".")[0] == room and module not in (COMMAND, FACE)
        if (extra := {other.split(".")[0] for other in others} - allowed)
    }
    assert wrong == {}


@pytest.mark.parametrize("room", ROOMS)
def test_no_way_round_by_a_face(room: str) -> None:
    """The face of a room, or of the whole house, has what is high in it: who stands below and
    imports from it imports upwards, and no arrow shows it."""
    faces = {
        module: found
        for module, others in graph().items()
        if module.split(".")[0] == room and module not in (COMMAND, FACE)
        if (found := {other for other in others if other.startswith("nitropilot")} - SHARED)
        or (found := others & {room} - {module})
    }
    assert faces == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_module_can_be_read_in_one_sitting(room: str) -> None:
    """Modules that grow past 300 lines hide a second module."""
    lengths = {
        str(path): len((ROOT / path).read_text(encoding="utf-8").splitlines())
        for path in files(room, "py", "js", "css", "html", "c", "h")
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_import_touches_no_driver(room: str) -> None:
    """Importing a room must work without a display, a driver or a GPU."""
    name = room if room == "nitropilot" else f"nitropilot.{room}"
    code = (
        f"import {name}, sys\n"
        f"loaded = {FORBIDDEN_AT_IMPORT!r} & {{name.split('.')[0] for name in sys.modules}}\n"
        "cuda = sys.modules.get('torch.cuda')\n"
        "assert not loaded, loaded\n"
        "assert cuda is None or not cuda.is_initialized()\n"
    )
    env = {"PATH": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nothing_unpickles() -> None:
    """A pickle from outside runs code (invariant 3)."""
    offenders = []
    for room in ROOMS:
        for path in files(room, "py"):
            text = (ROOT / path).read_text(encoding="utf-8")
            if "import pickle" in text or "weights_only=False" in text or "shell=True" in text:
                offenders.append(str(path))
    assert offenders == []


def test_the_places_of_typical_changes_exist() -> None:
    """A page that sends a newcomer to a file which is gone is worse than none."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split("## Where a change goes")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 20
    for row in rows:
        places = re.findall(r"`([\w./-]+/[\w./-]*)`", row)
        assert places, row
        assert [place for place in places if not (ROOT / place).exists()] == [], row
