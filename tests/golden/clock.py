"""A clock of our own for a whole process: threads take turns, and time passes while all wait.

``install`` comes before any import of the program.  From then on one Python thread runs at a
time; it goes on until it waits (for a lock, a queue, a thread, a moment), and then the one that
has been ready longest runs.  When none is ready the clock jumps to the next moment that
somebody waits for.  So the same program does the same in the same order, at the same times,
however fast or busy the machine is: computing takes no time but what ``time.sleep`` says.

A thread that reads the clock again and again from one place spins: that makes time pass too.
"""

from __future__ import annotations

import _thread
import asyncio
import faulthandler
import heapq
import itertools
import math
import os
import queue
import selectors
import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

START_NS = 1_000 * 10**9
"""What ``time.perf_counter`` and ``time.monotonic`` say first."""
EPOCH_NS = 1_800_000_000 * 10**9
"""What ``time.time`` says beyond that."""
SPIN_READS = 8
SPIN_NS = 37_000
"""How long a look at the clock takes a thread that does nothing else."""

really_allocate_lock = _thread.allocate_lock
really_start = _thread.start_new_thread


class Task:
    """One thread, as the scheduler sees it."""

    def __init__(self) -> None:
        self.gate = really_allocate_lock()
        self.gate.acquire()
        self.waits = False
        self.woken = False
        self.done = False
        self.ticket = 0
        self.joiners: list[Task] = []
        self.place: tuple[int, int] | None = None
        self.read_at = 0
        self.reads = 0


class Scheduler:
    """Who runs, and what time it is."""

    def __init__(self) -> None:
        self.now = START_NS
        self.current = Task()
        self._ready: deque[Task] = deque()
        self._timers: list[tuple[int, int, Task, int]] = []
        self._count = itertools.count()

    def block(self, timeout: float | None) -> bool:
        """Wait until woken (True) or for so many seconds (False)."""
        task = self.current
        task.waits, task.woken = True, False
        task.ticket += 1
        if timeout is not None:
            due = self.now + max(math.ceil(timeout * 1e9), 0)
            heapq.heappush(self._timers, (due, next(self._count), task, task.ticket))
        self._switch(task)
        return task.woken

    def wake(self, task: Task) -> None:
        """What ``task`` waits for is there."""
        if task.waits:
            task.waits, task.woken = False, True
            self._ready.append(task)

    def spawn(self, act: Callable[[], None]) -> Task:
        """A new thread, which runs when its turn comes."""
        task = Task()

        def body() -> None:
            task.gate.acquire()
            try:
                act()
            finally:
                self._end(task)

        self._ready.append(task)
        really_start(body, ())
        return task

    def join(self, task: Task, timeout: float | None) -> None:
        """Wait for a thread's end."""
        if not task.done:
            task.joiners.append(self.current)
            self.block(timeout)

    def read(self) -> int:
        """The time in nanoseconds; passes for a thread that only reads it."""
        caller = sys._getframe(2)
        task, place = self.current, (id(caller.f_code), caller.f_lasti)
        if task.place == place and task.read_at == self.now:
            task.reads += 1
            if task.reads > SPIN_READS:
                self.block(SPIN_NS / 1e9)
        else:
            task.place, task.read_at, task.reads = place, self.now, 0
        return self.now

    def _end(self, task: Task) -> None:
        task.done = True
        for joiner in task.joiners:
            self.wake(joiner)
        self.current = self._next()
        self.current.gate.release()

    def _switch(self, task: Task) -> None:
        self.current = self._next()
        if self.current is not task:
            self.current.gate.release()
            task.gate.acquire()

    def _next(self) -> Task:
        if self._ready:
            return self._ready.popleft()
        while self._timers:
            due, _, task, ticket = heapq.heappop(self._timers)
            if task.waits and task.ticket == ticket:
                task.waits = False
                self.now = max(self.now, due)
                return task
        print("every thread waits for another one, for ever:", file=sys.stderr)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(70)


SCHEDULER = Scheduler()


class Lock:
    """As ``threading.Lock``; goes to who waits longest."""

    def __init__(self) -> None:
        self._locked = False
        self._waiting: deque[Task] = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As the real one."""
        if not self._locked:
            self._locked = True
            return True
        if not blocking:
            return False
        task = SCHEDULER.current
        self._waiting.append(task)
        if SCHEDULER.block(None if timeout < 0 else timeout):
            return True
        self._waiting.remove(task)
        return False

    def release(self) -> None:
        """As the real one."""
        if not self._locked:
            raise RuntimeError("release unlocked lock")
        if self._waiting:
            SCHEDULER.wake(self._waiting.popleft())
        else:
            self._locked = False

    def locked(self) -> bool:
        """As the real one."""
        return self._locked

    def _at_fork_reinit(self) -> None:
        self.__init__()  # type: ignore[misc]

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class SimpleQueue:
    """As ``queue.SimpleQueue``."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiting: deque[Task] = deque()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """As the real one."""
        self._items.append(item)
        if self._waiting:
            SCHEDULER.wake(self._waiting.popleft())

    put_nowait = put

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As the real one."""
        while not self._items:
            if not block:
                raise queue.Empty
            task = SCHEDULER.current
            self._waiting.append(task)
            if not SCHEDULER.block(timeout):
                self._waiting.remove(task)
                raise queue.Empty
        return self._items.popleft()

    def get_nowait(self) -> Any:
        """As the real one."""
        return self.get(block=False)

    def qsize(self) -> int:
        """As the real one."""
        return len(self._items)

    def empty(self) -> bool:
        """As the real one."""
        return not self._items

    def __class_getitem__(cls, _item: object) -> type:
        return cls


def _start(thread: Any) -> None:
    if thread._started.is_set():
        raise RuntimeError("threads can only be started once")

    def body() -> None:
        thread._ident = _thread.get_ident()
        threading._active[thread._ident] = thread  # type: ignore[attr-defined]
        thread._started.set()
        try:
            thread.run()
        except SystemExit:
            pass
        except BaseException:
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), thread)))  # type: ignore[arg-type]
        finally:
            threading._active.pop(thread._ident, None)  # type: ignore[attr-defined]

    thread.task = SCHEDULER.spawn(body)
    thread._started.wait()


def _join(thread: Any, timeout: float | None = None) -> None:
    SCHEDULER.join(thread.task, timeout)


def _is_alive(thread: Any) -> bool:
    task = getattr(thread, "task", None)
    return thread is threading.main_thread() or (task is not None and not task.done)


def _sleep(seconds: float) -> None:
    SCHEDULER.block(seconds)


def install() -> None:
    """From now on this process has the clock of this module, and its turns."""
    for name, ahead in (("perf_counter", 0), ("monotonic", 0), ("time", EPOCH_NS)):
        setattr(time, name, lambda ahead=ahead: (SCHEDULER.read() + ahead) / 1e9)
        setattr(time, f"{name}_ns", lambda ahead=ahead: SCHEDULER.read() + ahead)
    time.sleep = _sleep
    for place, name in ((threading, "_time"), (queue, "time")):
        setattr(place, name, time.monotonic)
    for name in ("Lock", "_allocate_lock"):
        setattr(threading, name, Lock)
    threading._CRLock = None  # type: ignore[attr-defined]
    queue.SimpleQueue = SimpleQueue  # type: ignore[assignment, misc]  # noqa: TID251 - executors have one
    threads: Any = threading.Thread
    threads.start, threads.join, threads.is_alive = _start, _join, _is_alive


class _NoFiles(selectors.BaseSelector):
    """Waits for other threads and for moments; no file is ever ready."""

    def __init__(self) -> None:
        self._task: Task | None = None
        self._woken = False
        self._files: dict[Any, selectors.SelectorKey] = {}

    def wake(self) -> None:
        self._woken = True
        if self._task is not None:
            SCHEDULER.wake(self._task)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if not self._woken and (timeout is None or timeout > 0):
            self._task = SCHEDULER.current
            SCHEDULER.block(timeout)
            self._task = None
        self._woken = False
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._files[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._files.pop(fileobj)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._files[fileobj]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._files


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose waits are those of this clock."""

    def __init__(self) -> None:
        self._no_files = _NoFiles()
        super().__init__(self._no_files)

    def _write_to_self(self) -> None:
        self._no_files.wake()
