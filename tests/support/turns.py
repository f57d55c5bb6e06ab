"""A plugin of pytest's: of the tests that take long, each run of ``make test`` has a share.

``tests/turns.txt`` names them.  Which of them have their turn is drawn from the commit's digest,
as it is for the slow proofs, so that everybody can say for any commit what was tested of it.
Without ``--turn``, as when a file or a test is named, all run; ``make test-all`` runs all.

The list is what was measured: ``make test-all TESTS=--junitxml=FILE``, then
``python -m tests.support.turns FILE`` writes it anew.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    import pytest

LIST = "tests/turns.txt"
ONE_OF = 5
"""How many commits it takes on average until a long test has its turn."""
LONG_S = 1.5
"""A test whose longest case takes as many seconds is long."""
HEAD = "# Tests of which `make test` runs one case in five, by turns; see tests/support/turns.py.\n"


def add_option(parser: pytest.Parser) -> None:
    """``--turn DIGEST``."""
    parser.addoption("--turn", default="", help="run those long tests alone that it draws")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests that the digest does not draw."""
    if not (digest := config.getoption("turn", "")):
        return
    long = read_list(config.rootpath / LIST)
    out = {i for i in items if function(i.nodeid) in long and not has_turn(i.nodeid, digest)}
    if out:
        config.hook.pytest_deselected(items=list(out))
        items[:] = [item for item in items if item not in out]


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say it, so that nobody takes a part for the whole."""
    digest = config.getoption("turn", "")
    word = f"long tests: one in {ONE_OF}, drawn by {digest[:12]}; make test-all runs all of them"
    return [word] if digest else []


def function(nodeid: str) -> str:
    """A test's name without its case."""
    return nodeid.partition("[")[0]


def has_turn(nodeid: str, digest: str) -> bool:
    """Whether a commit draws a test."""
    return hashlib.sha256(f"{digest} {nodeid}".encode()).digest()[0] % ONE_OF == 0


def read_list(path: Path) -> frozenset[str]:
    """The long tests, without their cases."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def measured(report: Path) -> list[str]:
    """The long tests of a report in JUnit's form, sorted."""
    longest: dict[str, float] = defaultdict(float)
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.attrib['classname'].replace('.', '/')}.py::{case.attrib['name']}"
        longest[function(name)] = max(longest[function(name)], float(case.attrib["time"]))
    return sorted(name for name, seconds in longest.items() if seconds >= LONG_S)


def main(arguments: list[str]) -> None:
    """Write the list anew from a report of all tests."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.turns", description=__doc__)
    parser.add_argument("report", type=Path, help="what --junitxml=FILE wrote")
    names = measured(parser.parse_args(arguments).report)
    Path(LIST).write_text(HEAD + "\n".join(names) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
