"""Names and folders whose bytes are no UTF-8 take no answer from anybody, and can be chosen."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot import capture, open_policy
from nitropilot.policy import save_policy
from nitropilot.texts import meant, shown
from tests.policy.samples import fixture_path, fixture_policy
from tests.server.processes import Daemon, command

if sys.platform != "linux":
    pytest.skip("names are bytes on Linux", allow_module_level=True)

from tests.capture.xwindow import XWindow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nitropilot.agent.target.display import PrivateDisplay

LATIN_1 = os.fsdecode("café".encode("latin-1"))
CUT = "Spiel für zweü".encode()[:15]
"""As the kernel keeps a process's name: 15 bytes, here up to the middle of a letter."""


@pytest.fixture
def window(x_display: PrivateDisplay) -> Iterator[XWindow]:
    """A window of a process with such a name: of this one, for a while."""
    name = Path("/proc/self/comm")
    before = name.read_bytes()
    name.write_bytes(CUT)
    try:
        with XWindow(x_display.name, (0, 0, 300, 200), title="odd",
                     numbers={"_NET_WM_PID": [os.getpid()]}) as window:  # fmt: skip
            yield window
    finally:
        name.write_bytes(before.rstrip(b"\n"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home on an old disk, with a model that came from there too."""
    home = tmp_path_factory.mktemp("home") / LATIN_1
    models = home / "data" / "models"
    models.mkdir(parents=True)
    save_policy(fixture_policy("two_frames_game"), models / f"{LATIN_1}.safetensors")
    shutil.copy(fixture_path("single_frame"), models / f"{LATIN_1}.pt")
    return home


@pytest.fixture(scope="module")
def daemon(home: Path, x_display: PrivateDisplay) -> Iterator[Daemon]:
    """A daemon of that home."""
    daemon = Daemon(home, x_display.name, warm_start=True)
    yield daemon
    daemon.client.close()
    daemon.kill()


def test_every_list_is_answered(daemon: Daemon, window: XWindow) -> None:
    """One such name took the whole list from everybody, with status 500."""
    paths = daemon.client.get("/openapi.json").json()["paths"]
    asked = [path for path, ways in paths.items() if "get" in ways and "{" not in path]
    assert {"/api/v1/windows", "/api/v1/policies", "/api/v1/settings"} <= set(asked)
    for path in asked:
        answer = daemon.client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert "\\ud" not in answer.text, (path, "half a surrogate pair")


def test_a_window_is_shown_and_chosen(daemon: Daemon, window: XWindow) -> None:
    """By the very name that the list shows, or by the bytes."""
    name = next(
        each["executable"]
        for each in daemon.client.get("/api/v1/windows").json()
        if each["handle"] == window.handle
    )
    assert name == "Spiel für zwe\N{REPLACEMENT CHARACTER}"
    for asked in (name, os.fsdecode(CUT)):
        assert capture.find_window(process=asked, display=window.display.get_display_name())


def test_a_model_is_shown_and_chosen(daemon: Daemon, home: Path) -> None:
    """The list's name opens the file, and so does the file's own."""
    listed = daemon.client.get("/api/v1/policies").json()["policies"]
    known = {policy["name"]: policy["error"] for policy in listed if policy["place"] == "models"}
    models = home / "data" / "models"
    assert known == {shown(models / f"{LATIN_1}.{kind}"): "" for kind in ("pt", "safetensors")}
    for name in known:
        assert open_policy(name).name == shown(Path(name).name)
    done = command("policies", "inspect", name, "--json", home=home)
    assert done.returncode == 0, done.stderr


def test_what_could_mean_two_files_means_none(tmp_path: Path) -> None:
    """To guess would play another policy than the one chosen."""
    for byte in (b"\xe9", b"\xe8"):
        (tmp_path / os.fsdecode(b"caf" + byte)).touch()
    both = tmp_path / "caf\N{REPLACEMENT CHARACTER}"
    assert meant(both) == both
    both.touch()
    assert meant(both) == both, "a file of just that name is meant first"
    assert meant("caf\N{REPLACEMENT CHARACTER}") == Path("caf\N{REPLACEMENT CHARACTER}")
