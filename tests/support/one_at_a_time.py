"""A plugin of pytest's: tests of what the whole machine shares run one at a time.

Tests run in several processes at once, and most have a daemon, a display and folders of their
own.  A test that starts a program which others look for on the whole machine, or looks so
itself, is marked ``machine_wide``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

LOCK = Path(tempfile.gettempdir()) / "nitropilot-tests.lock"


@contextmanager
def alone(path: Path = LOCK) -> Iterator[None]:
    """Wait until no other process is in such a block."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    # Whoever made it, anybody may read it, and a lock needs no more.
    lock = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold the lock for all of a marked test, its fixtures included."""
    if item.get_closest_marker("machine_wide") is None:
        return (yield)
    with alone():
        return (yield)
