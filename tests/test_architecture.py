"""The house rules of docs/architecture.md that a machine can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT: dict[str, set[str]] = {
    "nitropilot": set(),
    "records": set(),
    "capture": set(),
    "controller": set(),
    "policy": set(),
    "engines": {"policy"},
    "agent": {"records", "capture", "controller", "policy", "engines"},
    "simulator": {"agent", "records", "capture", "controller", "policy", "engines"},
    "server": {"agent", "records", "capture", "controller", "policy", "engines", "simulator"},
}
FORBIDDEN_AT_IMPORT = {"vgamepad", "libevdev", "Xlib", "mss", "pygame", "tensorrt", "openvino"}
COMMAND = Path("nitropilot/__main__.py")
"""``python -m nitropilot`` is the command line, which lives in ``server``."""


def modules(room: str) -> list[Path]:
    """All Python files of a room, relative to the root."""
    return [path.relative_to(ROOT) for path in sorted((ROOT / room).rglob("*.py"))]


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a file imports anywhere, type-checking blocks included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names & MAY_IMPORT.keys()


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_arrows_point_one_way(room: str) -> None:
    """A low room that imports a high one cannot be used, or understood, without it."""
    allowed = MAY_IMPORT[room] | {room, "nitropilot"}
    wrong = {
        str(path): extra
        for path in modules(room)
        if path != COMMAND and (extra := imported_rooms(path) - allowed)
    }
    assert not wrong


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_module_can_be_read_in_one_sitting(room: str) -> None:
    """Modules that grow past 300 lines hide a second module."""
    lengths = {p: len((ROOT / p).read_text(encoding="utf-8").splitlines()) for p in modules(room)}
    assert {str(path): length for path, length in lengths.items() if length > 300} == {}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_import_touches_no_driver(room: str) -> None:
    """Importing a room must work without a display, a driver or a GPU."""
    code = (
        f"import {room}, sys\n"
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
    for room in MAY_IMPORT:
        for path in modules(room):
            text = (ROOT / path).read_text(encoding="utf-8")
            if "import pickle" in text or "weights_only=False" in text or "shell=True" in text:
                offenders.append(str(path))
    assert not offenders
