"""The wheel and the sdist hold what they should, and work where nothing else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent
ROOMS = (
    "nitropilot", "records", "capture", "controller", "policy", "engines", "agent", "simulator",
    "server",
)  # fmt: skip
DATA = {".py", ".typed", ".c", ".rules", ".html", ".js", ".css", ".svg"}
TORCH = os.environ.get("TORCH", "torch==2.13.0")
"""Pinned and first, as in scripts/install: a bare requirement could fetch CUDA builds."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a freshly built wheel and sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def clean_python(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has only the wheel and what the wheel asks for."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    for what in (TORCH.split(), [str(next(dist.glob("*.whl")))]):
        # Most of torch is never imported here: Python compiles what is, when it is.
        command = [str(python), "-m", "pip", "install", "--quiet", "--no-compile", *what]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return python


def source_files() -> set[str]:
    """What belongs into a distribution: the rooms' own files, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return {name for name in listed if Path(name).suffix in DATA and (ROOT / name).exists()}


def test_the_wheel_holds_the_rooms_and_nothing_else(dist: Path) -> None:
    """A missing C file breaks the pad at a player's; a stray test folder breaks imports."""
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in wheel.namelist() if name.endswith("METADATA"))
        text = wheel.read(metadata).decode()
    assert names == source_files()
    assert "controller/shim/nitropilot_pad.c" in names
    assert {"server/pages/dashboard.html", "server/pages/overlay.js"} <= names
    assert "Name: nitropilot\n" in text
    for extra in (
        "openvino",
        "tensorrt",
        "simulator",
        "training",
        "dataset",
        "scale",
        "hub",
        "dev",
    ):
        assert f"Provides-Extra: {extra}\n" in text


def test_the_sdist_can_be_built_from(dist: Path) -> None:
    """Distributions build from the sdist: the same files and the project's own papers."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    papers = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert names - papers == source_files()
    assert papers - {".gitignore"} <= names


def test_doctor_runs_from_a_clean_install(clean_python: Path, tmp_path: Path) -> None:
    """A dependency that only the development environment has would be missed by all others."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment |= {"NITROPILOT_CONFIG": str(tmp_path), "NITROPILOT_DATA": str(tmp_path)}
    command = [str(clean_python.with_name("nitropilot")), "doctor", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["ready"] is (done.returncode == 0)
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["pauser"]["level"] == "ok", checks["pauser"]
    assert checks["engine torch on cpu"]["level"] == "ok", checks["engine torch on cpu"]
    assert {"display", "capture", "gpu", "demo game"} <= checks.keys()


def test_every_room_imports_from_a_clean_install(clean_python: Path, tmp_path: Path) -> None:
    """A room that is only found beside the checkout is not installed."""
    code = f"import {', '.join(ROOMS)}; print(capture.__file__)"
    done = subprocess.run(
        [str(clean_python), "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert str(clean_python.parent.parent) in done.stdout
