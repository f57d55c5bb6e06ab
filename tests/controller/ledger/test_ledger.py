"""What is written down, and what whoever comes later makes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if sys.platform == "win32":
    pytest.skip("ends processes with POSIX signals", allow_module_level=True)

from nitropilot.controller.errors import GameTaken, LedgerError
from nitropilot.controller.ledger import places
from nitropilot.controller.ledger.entry import Entry, _read, world
from nitropilot.controller.ledger.heal import PAGE_PREFIX, PROFILE_PREFIX, heal, heal_all, living
from nitropilot.controller.pads.device_folder import DeviceFolder
from nitropilot.controller.processes import DISPLAY_VARIABLE, LAUNCH_VARIABLE, birth
from tests.controller.pausing.ticking import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One of our own."""
    folder = tmp_path / "ledger"
    monkeypatch.setenv(places.VARIABLE, str(folder))
    return folder


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that bears the mark of a launch."""
    process = subprocess.Popen(["sleep", "600"], env={**os.environ, LAUNCH_VARIABLE: "mine"})
    yield process
    process.kill()
    process.wait()


def left(name: str, facts: dict[str, Any]) -> Path:
    """An entry whose writer is gone."""
    entry = Entry.create(name, facts)
    entry.close()
    return entry.path


def ends(process: subprocess.Popen[bytes]) -> None:
    """Wait for its end, which is somebody else's to bring about."""
    wait_for(lambda: process.poll() is not None, "its end")


def test_an_entry_of_the_living_is_left_alone(ledger: Path) -> None:
    """Only its own end makes it somebody else's."""
    entry = Entry.create("game-1-2", {"game": 1, "profile": "/nowhere"})
    assert heal_all() == []
    assert entry.path.exists()
    with pytest.raises(GameTaken, match=f"process {os.getpid()}"):
        Entry.create("game-1-2", {})
    assert f"process {os.getpid()}" in living()[0]
    entry.remove()
    entry.remove()
    assert not list(ledger.iterdir())
    assert living() == []


def test_a_stopped_process_runs_again(sleeper: subprocess.Popen[bytes]) -> None:
    """And one that has its id by now, or had it before, is a stranger."""
    sleeper.send_signal(19)
    wait_for(lambda: psutil.Process(sleeper.pid).status() == "stopped", "the stop")
    assert heal({"frozen": [[sleeper.pid, "1"]], **world()}) == ([], True)
    assert psutil.Process(sleeper.pid).status() == "stopped"
    entry = Entry.create("game", {})
    entry.freezing([(sleeper.pid, birth(sleeper.pid) or "")])
    entry.close()
    assert heal_all() == [f"process {sleeper.pid} runs again"]
    assert psutil.Process(sleeper.pid).status() != "stopped"


def test_a_line_that_was_cut_off_was_never_acted_on(sleeper: subprocess.Popen[bytes]) -> None:
    """The line comes before the act: half a line, no act."""
    path = left("game", {"frozen": [[sleeper.pid, birth(sleeper.pid)]]})
    with path.open("ab") as file:
        file.write(b'{"frozen": [[1, "')
    assert heal_all() == [f"process {sleeper.pid} runs again"]


def test_what_was_launched_ends_with_all_that_it_needed(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """A game that nobody can see would run for ever."""
    profile, page = tmp_path / f"{PROFILE_PREFIX}1", tmp_path / f"{PAGE_PREFIX}1"
    profile.mkdir()
    (profile / "save").touch()
    page.touch()
    folder = DeviceFolder(page)
    folder.create()
    left("launch-1", {"launch": "mine", "profile": str(profile), "page": str(page), "keep": False})
    assert heal_all() == [f"ended sleep (process {sleeper.pid})"]
    ends(sleeper)
    assert not profile.exists() and not page.exists() and not folder.path.exists()


def test_what_is_to_run_on_runs_on(
    tmp_path: Path, ledger: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """The player goes on with a game that they see; what it needs goes when it has ended."""
    profile = tmp_path / f"{PROFILE_PREFIX}1"
    profile.mkdir()
    left("launch-1", {"launch": "mine", "profile": str(profile), "keep": True})
    assert heal_all() == []
    assert sleeper.poll() is None and profile.exists()
    sleeper.kill()
    sleeper.wait()
    assert heal_all() == []
    assert not profile.exists() and not list(ledger.iterdir())


def test_a_display_that_nothing_is_on_goes() -> None:
    """It bears a mark of its own, and does not keep itself."""
    server = subprocess.Popen(["sleep", "600"], env={**os.environ, DISPLAY_VARIABLE: "mine"})
    left("launch-1", {"launch": "mine", "keep": True})
    assert heal_all() == [f"ended sleep (process {server.pid})"]
    ends(server)


def test_only_what_we_make_is_removed(tmp_path: Path) -> None:
    """Whatever an entry says: a folder of another name is somebody's."""
    mine = tmp_path / "saves"
    mine.mkdir()
    left("launch-1", {"launch": "none", "profile": str(mine), "page": str(mine / "x")})
    heal_all()
    assert mine.exists()


def test_ids_of_another_boot_are_nobodys(
    tmp_path: Path, ledger: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """What runs under them now is not ours; folders are."""
    profile = tmp_path / f"{PROFILE_PREFIX}1"
    profile.mkdir()
    facts = {"boot": "older", "launch": "mine", "profile": str(profile)}
    left("launch-1", facts)
    assert heal_all() == []
    assert sleeper.poll() is None and not profile.exists() and not list(ledger.iterdir())


def test_ids_of_another_container_are_its_own(
    ledger: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """One that shares the ledger has its own process 17."""
    left("launch-1", {"namespace": "pid:[1]", "launch": "mine"})
    assert heal_all() == []
    assert sleeper.poll() is None and list(ledger.iterdir())


def test_nothing_is_done_that_cannot_be_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and how to mend it."""
    (tmp_path / "file").touch()
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "file" / "ledger"))
    with pytest.raises(LedgerError) as caught:
        Entry.create("game", {})
    assert places.VARIABLE in caught.value.hint
    assert heal_all() == []


def test_a_folder_of_others_is_not_trusted(ledger: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """What anybody may write there would be done in our name."""
    left("launch-1", {"launch": "mine"})
    ledger.chmod(0o777)
    assert heal_all() == []
    assert sleeper.poll() is None
    with pytest.raises(LedgerError, match="not a private folder"):
        Entry.create("game", {})


def test_what_is_not_an_entry_harms_nobody(ledger: Path) -> None:
    """Nor does it keep others from being healed."""
    left("a", {})
    (ledger / "b.jsonl").write_text(json.dumps([1, 2]) + "\nnonsense\n")
    (ledger / "c.jsonl").mkdir()
    left("d", {})
    assert heal_all() == []
    assert sorted(path.name for path in ledger.iterdir()) == ["c.jsonl"]


@pytest.mark.parametrize("frozen", ["abc", 3, [1, 2], [[1]], [["1", "2"]], None, {"1": "2"}])
def test_a_damaged_part_keeps_no_other_from_being_healed(
    sleeper: subprocess.Popen[bytes], ledger: Path, frozen: Any
) -> None:
    """What was launched ends, whatever is said to be frozen."""
    path = left("launch-1", {"launch": "mine", "keep": False})
    with path.open("a") as file:
        file.write(json.dumps({"frozen": frozen}) + "\n")
    assert heal_all() == [f"ended sleep (process {sleeper.pid})"]
    ends(sleeper)
    assert not list(ledger.iterdir())


def test_what_cannot_be_read_is_said(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line with the fix."""
    path = left("game", {})

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", fail)
    (line,) = heal_all()
    assert line == f"{path} could not be read ([Errno 5] Input/output error): remove it"
    assert list(ledger.iterdir()) == [path]


def test_a_folder_that_others_may_write_to_is_named(ledger: Path) -> None:
    """What lies there could not be told from what somebody else has made up."""
    left("game", {})
    assert places.open_to_others() == []
    ledger.chmod(0o755)
    assert (places.entries(), places.open_to_others()) == ([], [ledger])


def test_a_game_is_one_game_wherever_its_entry_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder may not have been able to write where we would; nor may who died in between."""
    monkeypatch.delenv(places.VARIABLE)
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setattr(places, "candidates", lambda: [second])
    held = Entry.create("game-1-2", {"game": 1})
    monkeypatch.setattr(places, "candidates", lambda: [first, second])
    with pytest.raises(GameTaken):
        Entry.create("game-1-2", {})
    held.close()
    assert Entry.create("game-1-2", {}).path.parent == first
    assert not list(second.iterdir())


def test_who_heals_an_entry_does_not_play_its_game(ledger: Path) -> None:
    """A command that began in this moment holds every entry for the time of a look."""
    path = left("game-1-2", {"game": 1})
    healer = Entry.take(path)
    assert healer is not None
    threading.Timer(0.1, healer.remove).start()
    assert Entry.create("game-1-2", {}).path == path
    assert list(ledger.iterdir()) == [path]


def test_a_folder_that_others_could_replace_holds_no_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is private itself; in a parent that is not, another may be put in its place."""
    monkeypatch.delenv(places.VARIABLE)
    shared, own = tmp_path / "shared" / "ledger", tmp_path / "own" / "ledger"
    monkeypatch.setattr(places, "candidates", lambda: [shared, own])
    shared.mkdir(parents=True, mode=0o700)
    shared.parent.chmod(0o777)
    assert places.open_folder() == own
    (shared / "game-1-2.jsonl").touch()
    assert (places.entries(), places.open_to_others()) == ([], [shared])
    shared.parent.chmod(0o700)
    assert places.open_folder() == shared


def test_no_variable_but_the_ledgers_own_names_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one command left, another must find: also one that was started with another TMPDIR."""
    monkeypatch.delenv(places.VARIABLE)
    before = places.candidates()
    for name in ("TMPDIR", "TEMP", "TMP", "XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert places.candidates() == before


def test_half_a_line_is_taken_back(ledger: Path) -> None:
    """Where the place is full in mid-line, what comes later must not go on with that line."""
    import resource

    entry = Entry.create("game-1-2", {"game": 1})
    before = entry.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 5, hard))
    try:
        with pytest.raises(OSError, match="no space left"):
            entry.note(display="x" * 40)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert entry.path.read_bytes() == before
    entry.freezing([(1, "a")])
    lines = entry.path.read_text().splitlines()
    assert json.loads(lines[-1]) == {"frozen": [[1, "a"]]}
    entry.remove()


def test_what_is_noted_during_a_freeze_outlasts_it(ledger: Path) -> None:
    """And what ran again before it is not stopped for whoever reads it after a death."""
    entry = Entry.create("game-1-2", {"game": 1})

    descriptor = os.open(entry.path, os.O_RDONLY)

    def told() -> dict[str, Any]:
        facts = _read(descriptor)
        return {name: facts.get(name) for name in ("page", "display", "frozen")}

    entry.freezing([(1, "a")])
    entry.note(page="p")
    assert told() == {"page": "p", "display": None, "frozen": [[1, "a"]]}
    entry.thawed()
    assert told() == {"page": "p", "display": None, "frozen": None}
    entry.note(display=":1")
    entry.freezing([(2, "b")])
    assert told() == {"page": "p", "display": ":1", "frozen": [[2, "b"]]}
    entry.thawed()
    assert told() == {"page": "p", "display": ":1", "frozen": None}
    os.close(descriptor)
    entry.remove()
