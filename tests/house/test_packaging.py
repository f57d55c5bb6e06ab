"""The wheel and the sdist hold what they should, and work where nothing else is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from nitropilot.policy.naming import POCKET, SHIPPED
from tests.house.imports import ROOMS
from tests.support import http
from tests.support.places import ROOT

DATA = {
    ".py",
    ".typed",
    ".c",
    ".h",
    ".rules",
    ".html",
    ".js",
    ".css",
    ".png",
    ".svg",
    ".webp",
    ".txt",
    ".toml",
    ".json",
    ".safetensors",
}
ENDS = (".safetensors", ".json")
"""Of a policy that comes along, and of its card."""
TORCH = os.environ.get("TORCH", "torch==2.13.0")
"""Pinned and first, as in scripts/install: a bare requirement could fetch CUDA builds."""
EXTRAS = ("openvino", "tensorrt", "simulator", "training", "dataset", "scale", "hub", "dev")
COLLIDING = (
    *ROOMS, "tests", "benchmarks", "torch", "typing", "numpy", "json", "asyncio", "logging",
    "ctypes", "uvicorn", "fastapi", "pydantic", "mss", "cv2", "psutil", "dataclasses", "enum",
)  # fmt: skip
"""Names that a player's own scripts may have."""


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
        command = [str(python), "-m", "pip", "install", "--quiet", "--no-compile", *what]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return python


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A folder full of a user's files, each of which ends the program that imports it."""
    folder = tmp_path / "my scripts"
    folder.mkdir()
    for name in COLLIDING:
        text = f"raise SystemExit('the file {name}.py of the user was imported')\n"
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """An environment whose every folder of ours is new, and which names no other code."""
    home = {f"NITROPILOT_{name}": str(tmp_path / name) for name in ("CONFIG", "DATA", "CACHE")}
    return {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | home


def source_files() -> set[str]:
    """What belongs into a distribution: the rooms' own files, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    return {name for name in listed if Path(name).suffix in DATA and (ROOT / name).exists()}


def installed_name(name: str) -> str:
    """Where a file of the checkout is when it is installed."""
    return name if name.startswith("nitropilot/") else f"nitropilot/{name}"


def test_the_wheel_holds_the_rooms_under_one_name(dist: Path) -> None:
    """A missing C file breaks the pad at a player's; a second name beside ``nitropilot`` breaks
    whatever else of that name he has."""
    with zipfile.ZipFile(next(dist.glob("*.whl"))) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in wheel.namelist() if name.endswith("METADATA"))
        text = wheel.read(metadata).decode()
    assert {name.split("/")[0] for name in names} == {"nitropilot"}
    assert names == {installed_name(name) for name in source_files()}
    assert "nitropilot/controller/shim/pad/readers.c" in names
    assert "nitropilot/server/pages/dashboard/dashboard.html" in names
    assert {f"nitropilot/policy/shipped/{SHIPPED[POCKET].stem}{end}" for end in ENDS} <= names
    assert "Name: nitropilot\n" in text
    assert [extra for extra in EXTRAS if f"Provides-Extra: {extra}\n" not in text] == []


def test_the_sdist_can_be_built_from(dist: Path) -> None:
    """Distributions build from the sdist: the same files and the project's own papers."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    papers = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert names - papers == source_files()
    assert papers - {".gitignore"} <= names


def test_doctor_runs_beside_a_users_files(
    clean_python: Path, crowded: Path, surroundings: dict[str, str]
) -> None:
    """A dependency that only the development environment has would be missed by all others; a
    file of the user's that is imported instead of ours breaks every command."""
    command = [str(clean_python.with_name("nitropilot")), "doctor", "--json"]
    done = subprocess.run(command, cwd=crowded, env=surroundings, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["ready"] is (done.returncode == 0)
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["pauser"]["level"] == "ok", checks["pauser"]
    assert checks["policy"]["level"] == "ok", checks["policy"]
    assert checks["engine torch on cpu"]["level"] == "ok", checks["engine torch on cpu"]
    assert {"display", "capture", "gpu", "demo game"} <= checks.keys()


@pytest.mark.game
@pytest.mark.skipif(sys.platform == "win32", reason="the preloaded pad is for Linux")
def test_the_demo_runs_beside_a_users_files(
    clean_python: Path, crowded: Path, surroundings: dict[str, str]
) -> None:
    """The hand and the built-in game are modules of ours in processes of their own."""
    command = [str(clean_python.with_name("nitropilot")), "demo", "--game", "runner", "--headless",
               "--seconds", "2", "--json"]  # fmt: skip
    done = subprocess.run(command, cwd=crowded, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["actions_sent"] > 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_the_daemon_runs_beside_a_users_files(
    clean_python: Path, crowded: Path, surroundings: dict[str, str]
) -> None:
    """It starts with the desktop, in whatever folder that has chosen, and so do its jobs."""
    command = [str(clean_python.with_name("nitropilot")), "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=crowded, env=surroundings, stderr=subprocess.PIPE, text=True
    ) as daemon:
        try:
            assert daemon.stderr is not None
            url = next((line for line in daemon.stderr if "http://" in line), "")
            assert url, "it ended before it said where it listens"
            base = "/".join(url[url.index("http://") :].split("/")[:3])
            token = (Path(surroundings["NITROPILOT_CONFIG"]) / "token").read_text().strip()
            bearer = {"Authorization": f"Bearer {token}"}
            with http.Client(base_url=base, headers=bearer, timeout=60) as client:
                assert client.get("/api/version").is_success
                order = {"kind": "build", "policy": "random:tiny", "engine": "openvino"}
                job = client.post("/api/v1/jobs", json=order)
                assert job.is_success, job.text
                state = _end_of(client, job.json()["id"])
            # The wheel alone has no OpenVINO: the job's process ran, and said so.
            assert state["state"] == "failed"
            assert "openvino" in state["error"]["message"]
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.stderr.read()
            assert daemon.wait() in (0, 130, -signal.SIGTERM)


def _end_of(client: httpx.Client, job: str) -> dict[str, object]:
    while True:
        state: dict[str, object] = client.get(f"/api/v1/jobs/{job}").json()
        if state["state"] != "running":
            return state


def test_the_package_runs_as_a_module_beside_a_users_files(
    clean_python: Path, crowded: Path, surroundings: dict[str, str]
) -> None:
    """``-m`` looks into the current folder first: our own first act must be to stop that."""
    (crowded / "nitropilot.py").unlink()  # what is asked for by name is found where Python looks
    command = [str(clean_python), "-m", "nitropilot", "windows", "--display", ":99999"]
    done = subprocess.run(command, cwd=crowded, env=surroundings, capture_output=True, text=True)
    assert "of the user was imported" not in done.stderr
    assert done.returncode == 2, done.stderr


def test_every_room_imports_from_a_clean_install(
    clean_python: Path, tmp_path: Path, surroundings: dict[str, str]
) -> None:
    """A room that is only found beside the checkout is not installed."""
    rooms = [f"nitropilot.{room}" for room in ROOMS if room != "nitropilot"]
    code = f"import {', '.join(rooms)}; print(nitropilot.capture.__file__)"
    command = [str(clean_python), "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(clean_python.parent.parent) in done.stdout
