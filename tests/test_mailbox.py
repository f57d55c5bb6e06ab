"""Letters arrive in order, and every wait for one ends."""

from __future__ import annotations

import queue
import random
import signal
import sys
import threading
import time

import pytest

from nitropilot.mailbox import Mailbox

LONG_S = 60.0


def test_letters_come_in_order() -> None:
    """With and without a wait; what is there is read even where no wait is allowed."""
    box: Mailbox[int] = Mailbox()
    for number in range(4):
        box.put(number)
    assert len(box) == 4
    assert [box.get(), box.get(LONG_S), box.get(timeout=0), box.get_nowait()] == [0, 1, 2, 3]
    for look in (box.get_nowait, lambda: box.get(0), lambda: box.get(-1), lambda: box.get(0.01)):
        with pytest.raises(queue.Empty):
            look()


def test_no_wait_is_without_end() -> None:
    """However short: that of ``queue.SimpleQueue`` was, where the time was over too soon."""
    box: Mailbox[int] = Mailbox()
    waited: list[int] = []

    def wait() -> None:
        for number in range(20_000):
            box.put(number)
            box.get()
            try:
                box.get(timeout=random.choice((1e-9, 1e-7, 1e-6, 1e-5)))
            except queue.Empty:
                waited.append(number)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    thread.join(LONG_S)
    assert not thread.is_alive(), f"wait {len(waited)} has no end"
    assert len(waited) == 20_000


def test_every_letter_wakes() -> None:
    """None is overlooked, whenever it comes; also those that others take are no harm."""
    box: Mailbox[int] = Mailbox()
    taken: list[int] = []

    def write(first: int) -> None:
        for number in range(first, first + 5000):
            box.put(number)
            if number % 500 == 0:
                time.sleep(0.001)
            if number % 7 == 0:
                try:
                    taken.append(box.get_nowait())
                except queue.Empty:
                    continue

    writers = [threading.Thread(target=write, args=(first,)) for first in (0, 5000)]
    for writer in writers:
        writer.start()
    read: list[int] = []
    while len(read) + len(taken) < 10_000 or any(writer.is_alive() for writer in writers):
        try:
            read.append(box.get(0.05))
        except queue.Empty:
            continue
    assert sorted(read + taken) == list(range(10_000))
    for first in (0, 5000):
        own = [number for number in read if first <= number < first + 5000]
        assert own == sorted(own)


def test_a_late_letter_ends_the_wait() -> None:
    """It does not last as long as it may."""
    box: Mailbox[str] = Mailbox()
    threading.Timer(0.05, box.put, ("here",)).start()
    began = time.monotonic()
    assert box.get(LONG_S) == "here"
    assert time.monotonic() - began < LONG_S


@pytest.mark.skipif(sys.platform == "win32", reason="there is no timer signal")
def test_a_signals_handler_may_write() -> None:
    """It interrupts the reader anywhere, also where a lock would be held."""
    box: Mailbox[int] = Mailbox()
    before = signal.signal(signal.SIGALRM, lambda *_: box.put(1))
    signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
    try:
        assert sum(box.get(LONG_S) for _ in range(2000)) == 2000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
