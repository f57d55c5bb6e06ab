"""docs/api.md, run as it stands against a real daemon."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from nitropilot.server.auth import Access, Scope, ScopedRoute, TokenStore
from nitropilot.server.auth.scopes import ScopedWebSocketRoute, all_routes
from nitropilot.server.daemon.app import create_app
from nitropilot.server.http.hosts import HostRules
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from tests.server.conftest import needs_preload
from tests.server.processes import ROOT, Daemon, environment

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """The page's one block of a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    return str(found)


def run(daemon: Daemon, folder: Path, name: str, *program: str) -> str:
    """Run an example in a folder, with this daemon in place of the usual one; what it printed."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    command = bin_folder / "nitropilot"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nitropilot "$@"\n')
    command.chmod(0o755)
    language = {"py": "python", "mjs": "javascript", "sh": "bash"}[name.rpartition(".")[2]]
    text = block(language).replace("localhost:6487", f"localhost:{daemon.port}")
    if language == "bash":
        text = "set -euo pipefail\n" + text
    (folder / name).write_text(text, encoding="utf-8")
    Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(folder / "picture.png")
    variables = environment(daemon.home, None, PYTHONPATH=str(ROOT))
    variables["PATH"] = f"{bin_folder}{os.pathsep}{variables['PATH']}"
    done = subprocess.run(
        [*program, name], cwd=folder, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ended(daemon: Daemon) -> bool:
    """Whether the example has left nothing that plays."""
    found = daemon.client.get("/api/v1/sessions").json()
    for session in found:
        daemon.wait_for(session["id"], "stopped")
    return bool(found)


def test_the_curl_example(daemon: Daemon, tmp_path: Path) -> None:
    """The first thing that somebody copies."""
    needs_preload()
    pytest.importorskip("openvino")
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")
    printed = run(daemon, tmp_path, "guide.sh", "bash")
    assert '"state":"done"' in printed
    assert "nitropilot_actions_sent_total" in printed
    assert (tmp_path / "video.mp4").stat().st_size > 0
    assert daemon.client.get("/api/v1/settings").json()["settings"]["play"]["mode"] == "paused"
    assert ended(daemon)


def test_the_python_example(daemon: Daemon, tmp_path: Path) -> None:
    """Scripts begin with a copy of this one."""
    needs_preload()
    printed = run(daemon, tmp_path, "guide.py", sys.executable)
    assert re.search(r"[1-9]\d* actions, [1-9]\d* frames", printed)
    assert "actions_raw.parquet" in printed
    assert "j_left" in printed
    assert ended(daemon)


def test_the_javascript_example(daemon: Daemon, tmp_path: Path) -> None:
    """Pages and decks begin with a copy of this one."""
    needs_preload()
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here")
    printed = run(daemon, tmp_path, "guide.mjs", node)
    assert re.search(r"(paused|realtime): \d+ actions, because ", printed)
    assert "854" in printed
    assert ended(daemon)


def test_the_table_of_routes_is_whole(tmp_path: Path) -> None:
    """A route that the guide does not know, or gives to others than may use it, misleads."""
    access = Access(HostRules("127.0.0.1", 1), "x" * 43, TokenStore(tmp_path / "tokens.json"))
    app = create_app(SessionRegistry(EnginePool()), access)
    said: dict[str, set[str] | None] = {}
    for line in PAGE.partition("## Routes")[2].splitlines():
        if line.startswith("| `"):
            names, scopes, _ = (cell.strip() for cell in line.strip("|").split("|"))
            who = None if scopes == "nobody's" else set(filter(None, scopes.split(", ")))
            said.update(dict.fromkeys(named_in(names), who))
    there: dict[str, set[str] | None] = {}
    for route in all_routes(app.routes):
        assert isinstance(route, ScopedRoute | ScopedWebSocketRoute)
        path = route.path.replace("{name:path}", "{name}")
        path = re.sub(r"{\w+_id}", "{id}", path)
        api = path.startswith("/api/") or path in ("/healthz", "/metrics")
        if api and not path.startswith("/api/v1/auth/"):
            scopes_of_it = None if route.scopes is None else set(route.scopes - {Scope.ADMIN})
            methods = route.methods if isinstance(route, ScopedRoute) else {"GET"}
            there.update({f"{method} {path}": scopes_of_it for method in methods})
    assert said == there


def named_in(cell: str) -> list[str]:
    """What a cell names: ``GET /a`` and ``/{id}`` below it, or ``GET`` and ``PATCH /a``."""
    found: list[str] = []
    methods: list[str] = []
    for text in re.findall(r"`([^`]+)`", cell):
        method, _, rest = text.rpartition(" ")
        if text.isupper() and "/" not in text:
            methods.append(text)
        elif not method:
            found.append(f"{found[-1]}{text}")
        else:
            found += [f"{each} {rest}" for each in (*methods, method)]
            methods = []
    return found
