"""The page's file: who may open it, and what is refused as a page."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.errors import PadFailed, PadUnavailable
from nitropilot.controller.pads.pad_page import PadPage, PageStatus, find_page
from nitropilot.controller.state import NEUTRAL, Button, GamepadState

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux")


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private runtime folder, so that the pages of these tests lie apart."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


@pytest.fixture
def page(runtime: Path) -> Iterator[PadPage]:
    page = PadPage.create()
    yield page
    page.close()
    page.unlink()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_only_this_user_can_open_a_page(page: PadPage, runtime: Path) -> None:
    """Whoever can write the page plays the game."""
    assert page.path.parent == runtime
    assert mode(page.path) == 0o600
    assert page.path.stat().st_size == 4096
    folder = page.path.with_name(f"{page.path.name}.input")
    assert mode(folder) == 0o700
    assert [one.name for one in folder.iterdir()] == ["event0"]
    page.unlink()
    assert list(runtime.iterdir()) == []


@pytest.mark.parametrize("runtime_dir", [None, "open to others", "missing"])
def test_a_page_avoids_a_runtime_folder_that_is_not_private(
    runtime: Path, monkeypatch: pytest.MonkeyPatch, runtime_dir: str | None
) -> None:
    """In containers XDG_RUNTIME_DIR is often unset, or something like /tmp."""
    if runtime_dir is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR")
    elif runtime_dir == "missing":
        runtime.rmdir()
    else:
        runtime.chmod(0o755)
    page = PadPage.create()
    try:
        assert page.path.parent == Path(f"/dev/shm/nitropilot-{os.geteuid()}")
        assert mode(page.path.parent) == 0o700
        assert mode(page.path) == 0o600
    finally:
        page.close()
        page.unlink()


def test_another_users_folder_for_pages_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """/dev/shm is open to all: somebody may have made our folder there first."""
    somebody = 4_000_000_000
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    try:
        with pytest.raises(PadUnavailable, match="not a private folder"):
            PadPage.create()
    finally:
        Path(f"/dev/shm/nitropilot-{somebody}").rmdir()


def test_a_page_that_is_opened_again_is_the_same_page(page: PadPage) -> None:
    """The hand opens the page of the pad: its neutral must reach the game."""
    page.write(GamepadState(buttons=Button.A, left=(0.5, -1.0)))
    before = page.path.read_bytes()
    other = PadPage.open(page.path)
    assert page.path.read_bytes() == before, "opening must not touch the state"
    other.write(NEUTRAL)
    neutral = page.path.read_bytes()
    page.write(GamepadState(buttons=Button.A, left=(0.5, -1.0)))
    other.close()
    after = page.path.read_bytes()
    for place in range(64, 96, 8):
        stamps = {content[place : place + 4] for content in (before, neutral, after)}
        assert len(stamps) == 3, "writers in turn must not repeat a stamp"
        assert before[place + 4 : place + 8] == after[place + 4 : place + 8]


def test_the_stamp_wraps(page: PadPage) -> None:
    """After 2**32 writes the pad must go on."""
    content = bytearray(page.path.read_bytes())
    for place in range(64, 96, 8):
        content[place : place + 4] = b"\xff" * 4
    page.path.write_bytes(content)
    page.write(GamepadState(buttons=Button.B))
    assert page.path.read_bytes()[64:68] == bytes(4)


def test_a_new_page_reports_no_game(page: PadPage) -> None:
    """The doctor tells "not launched" from "launched, but without a pad" by this."""
    assert page.status() == PageStatus(attached=0, polls=0, pid=0, error="")


def test_a_closed_page_says_so(page: PadPage) -> None:
    """Writing to unmapped memory must be an error of ours, not a crash."""
    page.close()
    page.close()
    page.unlink()
    page.unlink()
    with pytest.raises(PadFailed, match="closed"):
        page.write(NEUTRAL)
    with pytest.raises(PadFailed, match="closed"):
        page.status()


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "empty":
        path.write_bytes(b"")
    elif how == "too small":
        path.write_bytes(content[:4095])
    elif how == "foreign":
        path.write_bytes(b"ELF" + content[3:])
    elif how == "newer":
        path.write_bytes(content[:8] + b"\x63" + content[9:])
    elif how == "for all":
        path.chmod(0o644)
    elif how == "missing":
        path.unlink()
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "pipe":
        path.unlink()
        os.mkfifo(path, 0o600)
    elif how == "link":
        path.rename(path.with_suffix(".target"))
        path.symlink_to(path.with_suffix(".target"))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("empty", "0 bytes, not 4096"),
        ("too small", "4095 bytes, not 4096"),
        ("foreign", "foreign content"),
        ("newer", r"version \d+, not 3"),
        ("for all", "others may open it"),
        ("missing", "No such file"),
        ("folder", "directory"),
        ("pipe", "not a regular file"),
        ("link", "symbolic links"),
    ],
)
def test_what_is_no_page_is_refused(page: PadPage, how: str, reason: str) -> None:
    """NITROPILOT_PAD_PAGE comes from another process: anything may lie there."""
    page.close()
    spoil(page.path, how)
    try:
        with pytest.raises(PadUnavailable, match=reason) as caught:
            PadPage.open(page.path)
    finally:
        if how == "folder":
            page.path.rmdir()
    assert str(page.path) in str(caught.value)
    assert caught.value.hint


def test_a_page_of_another_user_is_refused(page: PadPage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's page would let them read, and us press, the wrong game."""
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(PadUnavailable, match=f"belongs to user {owner}, not {owner + 1}"):
        PadPage.open(page.path)


def test_nothing_leaks(runtime: Path) -> None:
    """A daemon that plays for weeks opens thousands of pages."""
    before = open_files()
    for _ in range(20):
        page = PadPage.create()
        PadPage.open(page.path).close()
        page.close()
        page.unlink()
    assert open_files() == before
    assert list(runtime.iterdir()) == []


def test_a_process_that_is_gone_has_no_page() -> None:
    """The game may end between being listed and being joined."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(60)
    assert find_page(ended.pid) is None


def test_other_systems_are_told_which_pad_to_use(
    page: PadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Windows user who asks for this pad must not get an AttributeError."""
    for make in (PadPage.create, lambda: PadPage.open(page.path)):
        with monkeypatch.context() as patch, pytest.raises(PadUnavailable) as caught:
            patch.setattr(sys, "platform", "win32")
            make()
        assert "Linux only, not on win32" in str(caught.value)
        assert "vgamepad" in caught.value.hint
