"""Pausing and the hand on Windows, against a stand-in for what Windows does.

The stand-in replaces ``psutil.Process``: suspend counts that add up, users by
name, no parent that adopts orphans, and a thread that never looks suspended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import psutil
import pytest

from nitropilot.controller import processes
from nitropilot.controller.errors import PauseFailed, PauseRefused, ProcessGone
from nitropilot.controller.hand import link as link_module
from nitropilot.controller.hand import pipe as pipe_module
from nitropilot.controller.hand import process as hand_process
from nitropilot.controller.hand.link import Link
from nitropilot.controller.pausing import pauser as pauser_module
from nitropilot.controller.pausing.pauser import Pauser
from nitropilot.mailbox import Mailbox

GAME, HELPER, EXPLORER, OURS = 100, 101, 50, os.getpid()


@dataclass
class Entry:
    """One process of the stand-in."""

    parent: int
    user: str = "PC\\player"
    suspended: int = 0
    in_pipe_read: bool = False
    elevated: bool = False
    protected: bool = False
    suspends: int = 0


class FakeProcess:
    """The part of ``psutil.Process`` that is used on Windows, over ``table``."""

    table: dict[int, Entry]

    def __init__(self, pid: int | None = None) -> None:
        self.pid = OURS if pid is None else pid
        self._entry()

    def _entry(self) -> Entry:
        if self.pid not in self.table:
            raise psutil.NoSuchProcess(self.pid)
        return self.table[self.pid]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FakeProcess) and self.pid == other.pid

    def __hash__(self) -> int:
        return hash(self.pid)

    def name(self) -> str:
        return f"{self.pid}.exe"

    def is_running(self) -> bool:
        return self.pid in self.table

    def username(self) -> str:
        if self._entry().elevated:
            raise psutil.AccessDenied(self.pid)
        return self._entry().user

    def status(self) -> str:
        stopped = self._entry().suspended and not self._entry().in_pipe_read
        return psutil.STATUS_STOPPED if stopped else psutil.STATUS_RUNNING

    def suspend(self) -> None:
        if self._entry().protected:
            raise psutil.AccessDenied(self.pid)
        self._entry().suspended += 1
        self._entry().suspends += 1

    def resume(self) -> None:
        self._entry().suspended = max(self._entry().suspended - 1, 0)

    def parents(self) -> list[FakeProcess]:
        parent = self._entry().parent
        return [FakeProcess(parent), *FakeProcess(parent).parents()] if parent in self.table else []

    def children(self, recursive: bool) -> list[FakeProcess]:
        assert recursive
        direct = [FakeProcess(pid) for pid, entry in self.table.items() if entry.parent == self.pid]
        return [one for child in direct for one in (child, *child.children(recursive=True))]


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> dict[int, Entry]:
    """A desktop with our process, a game and the game's helper, as Windows shows it."""
    table = {EXPLORER: Entry(0), OURS: Entry(EXPLORER), GAME: Entry(EXPLORER), HELPER: Entry(GAME)}
    monkeypatch.setattr(FakeProcess, "table", table, raising=False)
    monkeypatch.setattr(psutil, "Process", FakeProcess)
    monkeypatch.setattr(psutil, "pid_exists", lambda pid: pid in table)
    windows = SimpleNamespace(platform="win32", executable=sys.executable)
    for module in (pauser_module, processes, hand_process, link_module, pipe_module):
        monkeypatch.setattr(module, "sys", windows)
    return table


def test_suspends_once_and_resumes_once(table: dict[int, Entry]) -> None:
    """Suspend counts add up: a second suspend would need a second resume."""
    with Pauser(GAME) as pauser:
        pauser.freeze()
        pauser.freeze()
        assert [table[pid].suspended for pid in (GAME, HELPER)] == [1, 1]
    assert [table[pid].suspended for pid in (GAME, HELPER)] == [0, 0]


def test_leaves_alone_what_others_suspended(table: dict[int, Entry]) -> None:
    """Resuming it would take back what the player did in the task manager."""
    table[HELPER].suspended = 1
    with Pauser(GAME) as pauser:
        pauser.freeze()
        pauser.thaw()
        assert table[HELPER].suspends == 0
        table[GAME].suspended = 1
        assert pauser.stopped_by_others()
    assert table[HELPER].suspended == 1


def test_a_thread_in_a_pipe_read_does_not_prevent_a_pause(table: dict[int, Entry]) -> None:
    """Overlays keep such a thread in many games, and it never looks suspended."""
    table[GAME].in_pipe_read = True
    with Pauser(GAME) as pauser:
        pauser.freeze()
        assert [table[pid].suspended for pid in (GAME, HELPER)] == [1, 1]
    assert table[GAME].suspended == 0


def test_says_so_when_someone_else_keeps_it_suspended(table: dict[int, Entry]) -> None:
    """Two tools suspended it, we have resumed ours: the game still stands."""
    pauser = Pauser(GAME, timeout=0.05)
    pauser.freeze()
    table[GAME].suspended += 1
    with pytest.raises(PauseFailed, match="still stopped"):
        pauser.thaw()


@pytest.mark.parametrize("pid", [0, 4])
@pytest.mark.usefixtures("table")
def test_refuses_the_system(pid: int) -> None:
    """Process 4 is the kernel."""
    with pytest.raises(PauseRefused, match="operating system"):
        Pauser(pid)


@pytest.mark.usefixtures("table")
def test_refuses_our_own_tree_and_the_dead() -> None:
    """Explorer has started us and the game alike."""
    for pid in (OURS, EXPLORER):
        with pytest.raises(PauseRefused, match="NitroPilot"):
            Pauser(pid)
    with pytest.raises(ProcessGone):
        Pauser(999)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (Entry(GAME, user="PC\\someone"), "belongs to the user"),
        (Entry(GAME, elevated=True), "does not let NitroPilot pause"),
        (Entry(GAME, protected=True), "does not let NitroPilot pause"),
    ],
)
def test_refuses_what_it_may_not_suspend(
    table: dict[int, Entry], entry: Entry, message: str
) -> None:
    """Another user's, an elevated and an anti-cheat process; the rest must run again."""
    table[HELPER] = entry
    with pytest.raises(PauseRefused, match=message):
        Pauser(GAME).freeze()
    assert table[GAME].suspends == 1
    assert table[GAME].suspended == table[HELPER].suspended == 0


@pytest.mark.usefixtures("table")
def test_the_hand_asks_for_no_signal_that_windows_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """``signal.SIGHUP`` does not exist there; the hand would die at its start."""
    asked = []
    monkeypatch.delattr(signal, "SIGHUP", raising=False)
    monkeypatch.setattr(signal, "signal", lambda number, action: asked.append(number))
    hand_process.follow_signals(Mailbox())
    assert asked == [signal.SIGINT, signal.SIGTERM]


@pytest.mark.usefixtures("table")
def test_the_hand_is_started_apart_from_our_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ctrl-C or a closed console window would end it together with us."""
    monkeypatch.setattr(subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    monkeypatch.setattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    monkeypatch.delattr(os, "set_blocking", raising=False)
    flags = []

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, command: list[str], **options: object) -> None:
            flags.append(options.pop("creationflags"))
            super().__init__(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", Popen)
    link = Link.start(lambda message: None, lambda: None)
    link.close()
    assert flags == [0x08000200]
