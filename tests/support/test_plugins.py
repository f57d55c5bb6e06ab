"""The plugins of pytest's that this suite brings along."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.server.processes import ROOT
from tests.support import turns
from tests.support.one_at_a_time import alone

if TYPE_CHECKING:
    from pathlib import Path

TESTS = """
import time, pytest

@pytest.fixture
def slow():
    yield
    time.sleep(0.2)

@pytest.mark.parametrize("n", range(11))
def test_quick(n):
    pass

def test_slow(slow):
    pass
"""
MARKED = """
import time, pytest
from pathlib import Path

@pytest.mark.machine_wide
def test_it():
    Path({place!r}).touch(exist_ok=False)
    time.sleep(0.3)
    Path({place!r}).unlink()
"""


def run(folder: Path, *arguments: str) -> str:
    """What pytest prints of a folder's tests with our plugins."""
    (folder / "conftest.py").write_text(
        "from tests.conftest import pytest_addoption, pytest_configure\n"
    )
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    machine_wide\n    long\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", str(folder), "-p", "no:cacheprovider",
         str(folder), *arguments], cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_slowest_are_named_with_their_fixtures(tmp_path: Path, workers: str) -> None:
    """A fixture that takes minutes would be nobody's, and so would what another process ran."""
    (tmp_path / "test_some.py").write_text(TESTS)
    printed = run(tmp_path, "-n", workers).partition("the 10 slowest of 12 tests")[2]
    found = re.search(r"([\d.]+) s  (\S+)", printed)
    assert found is not None, printed
    assert found[2].endswith("test_some.py::test_slow")
    assert float(found[1]) >= 0.2


def test_few_tests_are_not_listed(tmp_path: Path) -> None:
    """Who runs one test does not want to read which one was slow."""
    (tmp_path / "test_some.py").write_text(TESTS)
    assert "slowest" not in run(tmp_path, "-n", "0", "-k", "test_slow")


def test_long_files_begin_first(tmp_path: Path) -> None:
    """The last file to begin decides when everything ends."""
    (tmp_path / "test_a.py").write_text("def test_1(): pass\ndef test_2(): pass\n")
    (tmp_path / "test_b.py").write_text(
        "import pytest\npytestmark = pytest.mark.long\ndef test_3(): pass\n"
    )
    how = ("-n", "1", "--dist", "loadfile", "--no-loadscope-reorder", "-v")
    assert re.findall(r"PASSED \S+::(\w+)", run(tmp_path, *how)) == ["test_3", "test_1", "test_2"]


def test_marked_tests_run_one_at_a_time(tmp_path: Path) -> None:
    """Two that look for the same program would find each other's."""
    text = MARKED.format(place=str(tmp_path / "there"))
    for name in "abcd":
        (tmp_path / f"test_{name}.py").write_text(text)
    assert "4 passed" in run(tmp_path, "-n", "4", "--dist", "loadfile")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks")
def test_the_lock_is_let_go(tmp_path: Path) -> None:
    """A failed test must not keep all others waiting."""
    with pytest.raises(ZeroDivisionError), alone(tmp_path / "lock"):
        _ = 1 // 0
    with alone(tmp_path / "lock"):
        pass


def test_long_tests_have_turns(tmp_path: Path) -> None:
    """Over some commits each case is run, others run always, and none is lost quietly."""
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "turns.txt").write_text("# long\ntest_some.py::test_quick\n")
    printed = run(tmp_path, "-n", "2", "--turn", "4f0c", "-v")
    ran = set(re.findall(r"PASSED \S*(test_some\S+)", printed))
    assert "test_some.py::test_slow" in ran
    cases = [f"test_some.py::test_quick[{n}]" for n in range(11)]
    assert ran - {"test_some.py::test_slow"} == {c for c in cases if turns.has_turn(c, "4f0c")}
    assert f"{len(ran)} passed" in printed
    assert f"one in {turns.ONE_OF}, drawn by 4f0c" in printed
    for case in cases:
        assert 6 < sum(turns.has_turn(case, f"{n:x}") for n in range(100)) < 40
    assert "12 passed" in run(tmp_path, "-n", "0")


def test_the_list_of_long_tests_is_measured(tmp_path: Path) -> None:
    """A list by hand would grow stale; a test counts by its longest case."""
    (tmp_path / "test_some.py").write_text(TESTS.replace("0.2", f"{turns.LONG_S}"))
    report = tmp_path / "report.xml"
    run(tmp_path, "-n", "0", f"--junitxml={report}")
    assert turns.measured(report) == ["test_some.py::test_slow"]


def test_each_long_test_is_there() -> None:
    """A name that no test has any more would be a test that runs always, or nobody's."""
    listed = turns.read_list(ROOT / turns.LIST)
    assert listed
    for name in listed:
        path, *_, test = name.split("::")
        assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), name
