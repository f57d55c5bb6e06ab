"""A reader that reads nothing holds up nobody who writes, on either kind of system."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.errors import HandError
from nitropilot.controller.hand import link
from nitropilot.controller.hand.hand import Hand
from nitropilot.controller.hand.pipe import NonblockingPipe, ThreadedPipe
from nitropilot.controller.state import NO_LIMITS
from tests.controller.pausing.ticking import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

    from nitropilot.controller.hand.pipe import Pipe
    from tests.controller.hand.conftest import HeldGame

LINE = b"x" * 9_999 + b"\n"
KINDS = pytest.mark.parametrize("kind", [NonblockingPipe, ThreadedPipe])


@pytest.fixture
def ends() -> Iterator[tuple[int, IO[bytes]]]:
    """Where it is read, and where it is written."""
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "wb", buffering=0)
    yield reading, stream
    os.close(reading)
    wait_for(lambda: stream.closed, "the end of the pipe")


def fill(pipe: Pipe) -> int:
    """Write until nobody reads; how many lines that were."""
    for count in range(10_000):
        try:
            pipe.write(LINE)
        except BlockingIOError:
            return count
    raise AssertionError("it is never full")


@KINDS
def test_what_is_written_arrives(
    kind: Callable[[IO[bytes]], Pipe], ends: tuple[int, IO[bytes]]
) -> None:
    """In order, also what was written last before the end."""
    pipe = kind(ends[1])
    pipe.write(b"one ")
    pipe.write(b"two")
    pipe.close()
    pipe.close()
    with os.fdopen(os.dup(ends[0]), "rb") as file:
        assert file.read() == b"one two"
    with pytest.raises((ValueError, OSError)):
        pipe.write(b"three")


@KINDS
def test_a_reader_that_does_not_read(
    kind: Callable[[IO[bytes]], Pipe], ends: tuple[int, IO[bytes]]
) -> None:
    """It is said in a moment, the end does not wait, and whoever reads again reads whole lines."""
    pipe = kind(ends[1])
    written = fill(pipe)
    assert 5 <= written <= 20, "neither is more kept than can be of use"
    text = os.read(ends[0], 1 << 20)
    wait_for(lambda: attempt(pipe), "room")
    pipe.close()
    with os.fdopen(os.dup(ends[0]), "rb") as file:
        text += file.read()
    lines = text.split(b"\n")
    assert set(lines) == {LINE[:-1], b""}
    assert written <= len(lines) - 2 <= written + 1, "what was begun is not left half written"


def attempt(pipe: Pipe) -> bool:
    """Whether it takes a line."""
    try:
        pipe.write(LINE)
    except BlockingIOError:
        return False
    return True


@KINDS
def test_a_reader_that_has_gone(kind: Callable[[IO[bytes]], Pipe]) -> None:
    """The hand has died."""
    reading, writing = os.pipe()
    pipe = kind(os.fdopen(writing, "wb", buffering=0))
    os.close(reading)

    def broken() -> bool:
        try:
            pipe.write(LINE)
        except BrokenPipeError:
            return True
        return False

    wait_for(broken, "the news")
    pipe.close()


def test_a_hand_that_is_stopped_is_ended_though_the_pipe_is_full(
    held: HeldGame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows: the beats that count its silence do not wait behind what it does not read."""
    monkeypatch.setattr(link, "open_pipe", ThreadedPipe)
    hand = Hand.start(held.pid, page=held.page.path)
    try:
        os.kill(hand.pid, 19)
        over = threading.Event()

        def flood() -> None:
            while not over.is_set():
                try:
                    hand.limit(NO_LIMITS)
                except HandError:
                    time.sleep(0.001)

        threading.Thread(target=flood, daemon=True).start()
        wait_for(lambda: not hand._link.alive, "its end")
        over.set()
    finally:
        hand.close()
    assert not list(held.ledger.iterdir())
