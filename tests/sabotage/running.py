"""One test in a throw-away copy of the checkout, with a fault in it or without."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.sabotage.faults import Fault, broken

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "NITROPILOT_SABOTAGE"
"""In the environment of everything that a copy's tests start."""
OF_THE_CALLER = ("NITROPILOT_REQUIRE", "NITROPILOT_CACHE", "PYTEST_ADDOPTS", "PYTEST_XDIST")
"""Variables that begin so are not for the copies: a cache that a fault has been in, say."""
LIMIT_S = 900.0
"""Of one run: a test whose end waits for what a fault has hung says nothing of the fault."""
FAILED = 1


@dataclass(frozen=True)
class Outcome:
    """How a test went.

    Attributes:
        passed: It ran, and every part of it passed.
        failed: A part of it failed: the test itself, not what is set up for it.
        said: What there is to say of it.
        seconds: What it took.
    """

    passed: bool
    failed: bool
    said: str
    seconds: float


def run_in_copy(root: Path, test: str, fault: Fault | None) -> Outcome:
    """Run a test in a copy of its own, and end whatever it has left running.

    Raises:
        ListError: The fault cannot be put in.
        subprocess.CalledProcessError, OSError: Git does not say which files there are.
    """
    with copy_of(root) as copy:
        if fault is not None:
            (copy / fault.file).write_text(broken(fault, copy), encoding="utf-8")
        return _run(copy, test)


@contextmanager
def copy_of(root: Path) -> Iterator[Path]:
    """The files that git knows or would add, in a folder that goes at the end."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory(prefix="sabotage-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder).resolve() / "copy"
        for name in filter(None, os.fsdecode(names).split("\0")):
            if (root / name).is_file():  # not deleted since
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, copy / name)
        yield copy


def _run(copy: Path, test: str) -> Outcome:
    """What pytest says of a test.  The copy comes first in all import paths, here and, by
    ``nitropilot.children`` and ``tests.support.warm``, in every process below."""
    report, mark = copy.parent / "report.xml", uuid.uuid4().hex
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    own = {k: v for k, v in os.environ.items() if not k.startswith(OF_THE_CALLER)}
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*command, f"--junit-xml={report}", f"--basetemp={copy.parent / 'tmp'}", test],
            cwd=copy, env={**own, "PYTHONPATH": str(copy), MARK: mark}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        said = f"it does not run: it has not ended after {LIMIT_S:.0f} s"
        return Outcome(False, False, said, time.monotonic() - began)
    finally:
        _end_all(mark)
    return _judge(done, report, time.monotonic() - began)


def _judge(done: subprocess.CompletedProcess[str], report: Path, seconds: float) -> Outcome:
    """A failure is one in a test: a module that cannot be imported or a fixture that breaks says
    nothing of what the test would have noticed."""
    cases = list(ElementTree.parse(report).iter("testcase")) if report.is_file() else []
    failures = [failure for case in cases for failure in case.iter("failure")]
    skipped = [skip.get("message", "") for case in cases for skip in case.iter("skipped")]
    errors = [error for case in cases for error in case.iter("error")]
    if done.returncode == FAILED and failures:
        return Outcome(False, True, failures[0].get("message", ""), seconds)
    if done.returncode == 0 and cases and not skipped:
        return Outcome(True, False, "passed", seconds)
    if skipped and not errors:
        return Outcome(False, False, f"skipped: {skipped[0]}", seconds)
    what = "its set-up broke" if errors and done.returncode == FAILED else "it does not run"
    return Outcome(False, False, f"{what}: {done.stdout.strip()[-1500:]}", seconds)


def _end_all(mark: str) -> None:
    """A program whose end is broken leaves daemons and games, and the warm process its forks."""
    if not sys.platform.startswith("linux"):
        return
    entry = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and entry in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
