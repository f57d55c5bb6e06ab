"""The lists of deliberate faults, and what applies them and runs the tests."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.sabotage import running
from tests.sabotage.__main__ import chosen, main
from tests.sabotage.faults import LISTS, Fault, ListError, broken, mistakes, read_faults
from tests.sabotage.running import MARK, copy_of
from tests.support.places import ROOT

PROGRAM = "def promise() -> bool:\n    return True\n"
TESTS = '''
import os
import subprocess
import sys
from pathlib import Path

import pytest
from program import promise


def test_here():
    assert promise()


def test_below():
    """In a process below, started in another folder, and one is left running."""
    code = "import program; raise SystemExit(not program.promise())"
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    assert subprocess.run([sys.executable, "-c", code], cwd="/").returncode == 0


def test_that_looks_away():
    pass


def test_that_skips():
    if not promise():
        pytest.skip("nothing to promise")


def test_that_waits():
    if not promise():
        subprocess.run(["sleep", "600"])


@pytest.fixture
def kept():
    assert promise()


def test_with_a_fixture(kept):
    pass


def test_that_fails_anyway():
    assert not promise()
'''
ROW = """
[[fault]]
name = "{name}"
file = "program.py"
old = "return True"
new = "{new}"
caught_by = "test_program.py::{test}"
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small checkout with a program and its tests, which we are in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they cost seconds
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "test_program.py").write_text(TESTS)
    (tmp_path / LISTS).mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet"], check=True)
    return tmp_path


def break_promise(root: Path, *tests: str, new: str = "return False") -> int:
    """Write a list with a row for each test, and run them all; the exit status."""
    rows = (ROW.format(name=test, test=test, new=new) for test in tests)
    (root / LISTS / "list.toml").write_text("".join(rows))
    return main([])


def test_the_lists_fit_the_sources() -> None:
    """A fault whose text has gone, or whose test has, breaks nothing and is found by nobody, on
    the day on which it has its turn."""
    faults = read_faults(ROOT)
    assert len(faults) >= 5
    assert mistakes(faults, ROOT) == []


def test_every_test_of_the_lists_is_there() -> None:
    """One whose parameters have got other names would only be noticed when it is its turn."""
    named = sorted({fault.caught_by for fault in read_faults(ROOT)})
    command = (sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
    done = subprocess.run([*command, *named], cwd=ROOT, capture_output=True, text=True)
    missing = [line for line in done.stderr.splitlines() if "not found" in line]
    assert not missing
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_a_fault_is_caught_in_the_copy(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the program runs in a process below: one that ran the installed one, or the
    checkout's, would never see the fault.  And nothing goes on running or stays changed."""
    assert break_promise(checkout, "test_here", "test_below") == 0
    assert "2 of 2 caught" in capsys.readouterr().out
    assert (checkout / "program.py").read_text() == PROGRAM
    deadline = time.monotonic() + 60  # the killed are there until the kernel has cleared them
    while (left := marked()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def marked() -> list[psutil.Process]:
    """Processes that runs of the sabotage have left."""
    found = []
    for process in psutil.process_iter():
        try:
            if MARK in process.environ() and "sleep" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("test_that_looks_away", "NOT caught"),
        ("test_that_skips", "skipped: nothing to promise"),
        ("test_with_a_fixture", "its set-up broke"),
        ("test_that_fails_anyway", "no test"),
    ],
)
def test_what_catches_nothing_is_said(
    checkout: Path, capsys: pytest.CaptureFixture[str], test: str, said: str
) -> None:
    """Each of these makes pytest say something else than "passed" and proves nothing."""
    assert break_promise(checkout, test) == 1
    out = capsys.readouterr().out
    assert said in out
    assert "0 of 1 caught" in out


def test_a_run_that_does_not_end_catches_nothing(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would keep all others from being tried."""
    monkeypatch.setattr(running, "LIMIT_S", 8.0)
    assert break_promise(checkout, "test_that_waits") == 1
    assert "has not ended after 8 s" in capsys.readouterr().out


def test_a_module_that_cannot_be_imported_catches_nothing(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then any test of it fails, whatever it looks at."""
    (checkout / "program.py").write_text(f"{PROGRAM}PROMISED = 1\n")
    row = ROW.format(name="a", test="test_here", new="raise OSError")
    (checkout / LISTS / "list.toml").write_text(row.replace("return True", "PROMISED = 1"))
    assert main([]) == 1
    assert "it does not run" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"file": "gone.py"}, "no file gone.py"),
        ({"old": "return False"}, "0 times"),
        ({"old": "e"}, "times in program.py, not once"),
        ({"old": ""}, "0 times"),
        ({"new": "return True"}, "the same"),
        ({"new": "return ("}, "no Python"),
        ({"caught_by": "test_gone.py::test_here"}, "there is no test"),
        ({"caught_by": "test_program.py"}, "there is no test"),
        ({"caught_by": "test_program.py::test_gone"}, "has no test_gone"),
    ],
)
def test_a_row_with_a_mistake_is_refused(
    checkout: Path, change: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is run: a fault that is not put in would be "not caught" for ever, or, as
    no Python, "caught" by anything."""
    row = {
        "name": "a", "file": "program.py", "old": "return True", "new": "return False",
        "caught_by": "test_program.py::test_here", **change,
    }  # fmt: skip
    assert [why for why in mistakes([Fault(**row)], checkout) if said in why]
    lines = [f"{key} = {value!r}\n" for key, value in row.items()]
    (checkout / LISTS / "list.toml").write_text("[[fault]]\n" + "".join(lines))
    assert main([]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[[fault]]\nname = 'a'\n", "fault = ", "", "[[faults]]\n"])
def test_a_list_with_a_mistake_is_refused(checkout: Path, text: str) -> None:
    """A misspelt list that is read as an empty one breaks nothing."""
    (checkout / LISTS / "list.toml").write_text(text)
    with pytest.raises(ListError):
        read_faults(checkout)
    assert main([]) == 2


def test_two_rows_of_one_name(checkout: Path) -> None:
    """Who chooses one by its name would run the other."""
    row = Fault("a", "program.py", "return True", "return False", "test_program.py::test_here")
    assert mistakes([row, row], checkout) == ["two rows have the name 'a'"]
    assert "return False" in broken(row, checkout)


def test_turns() -> None:
    """The same commit draws the same, others draw others, and in time all of them."""
    faults = [Fault(f"fault {n}", "", "", "", "") for n in range(9)]
    assert chosen(faults, [], None, "x") == faults
    assert chosen(faults, [], 3, "x") == chosen(faults[::-1], [], 3, "x")
    drawn = [chosen(faults, [], 3, f"commit {n}") for n in range(60)]
    assert {len(each) for each in drawn} == {3}
    assert {fault.name for each in drawn for fault in each} == {fault.name for fault in faults}
    assert chosen(faults, ["fault 4"], None, "x") == [faults[4]]
    with pytest.raises(ListError, match="no fault 'b'"):
        chosen(faults, ["b"], None, "x")


def test_the_copy_is_what_git_sees(checkout: Path) -> None:
    """New files belong to it, ignored ones and deleted ones do not; and it is gone at the end."""
    (checkout / ".gitignore").write_text("*.log\n")
    (checkout / "big.log").touch()
    (checkout / "gone.py").touch()
    subprocess.run(["git", "add", "--all"], check=True)
    (checkout / "gone.py").unlink()
    (checkout / "new.py").touch()
    with copy_of(checkout) as copy:
        names = {path.name for path in copy.rglob("*") if path.is_file()}
    assert names == {".gitignore", "program.py", "test_program.py", "new.py"}
    assert not copy.exists()


def test_no_fault_uses_a_name_that_its_file_does_not_have(tmp_path: Path) -> None:
    """That would be an error of another kind, in the middle of what was to go wrong."""
    for number, fault in enumerate(read_faults(ROOT)):
        if fault.file.endswith(".py"):
            text = f"# {fault.name}\n{broken(fault, ROOT)}"
            (tmp_path / f"fault{number}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", tmp_path]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
