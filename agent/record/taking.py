"""``FrameTaker``: pictures of a game at the ends of ticks, each with its own time.

A picture belongs to the tick in which it was taken (``records.timeline``), and shows most of what
the tick's action did when it is taken at the tick's end.  So a thread that does nothing else
takes one there, for each tick that it is told of; where the processor was given to others, it
comes late, has the time at which it really was taken, and counts for the tick of that time.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from nitropilot.capture.errors import CaptureError
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from nitropilot.capture import Grabber

    Image = NDArray[np.uint8]

KEPT = 16
"""Pictures that wait for whoever writes them down; older ones are given up."""
SPARE_S = 0.001
"""How long before a tick's end its picture should be there, beyond what it usually takes."""
BLACK = (480, 854)
"""Height and width of a picture of nothing, where the game has never shown any."""
CLOSE_S = 0.5
"""How long the end waits for the picture that is being taken."""
AGAIN_S = 0.1
"""After a picture that could not be taken, none is tried for so long."""


class Taken(NamedTuple):
    """A picture, ``H x W x 3`` RGB, and when it was taken (``time.perf_counter``)."""

    time: float
    picture: Image


class FrameTaker:
    """A thread with a grabber of its own.

    Args:
        open_grabber: Opens it, in the thread.
        max_width: Wider pictures are made smaller; all have the size of the first.
    """

    def __init__(self, open_grabber: Callable[[], Grabber], max_width: int) -> None:
        self._open_grabber = open_grabber
        self._max_width = max_width
        self._grabber: Grabber | None = None
        self._size: tuple[int, int] | None = None
        self._usual_s = 0.0
        self._newest = float("-inf")
        self._ends: Mailbox[float | None] = Mailbox()
        self._there = threading.Event()
        self._taken: deque[Taken] = deque(maxlen=KEPT)
        self._thread = threading.Thread(target=self._run, name="nitropilot-frames", daemon=True)
        self._thread.start()

    def take(self, end: float) -> None:
        """Take a picture right before ``end``, in seconds of ``time.perf_counter``.

        Of a tick that was told before, or is before one that was, none is taken again.
        """
        if end > self._newest:
            self._newest = end
            self._ends.put(end)

    def within(self, begin: float, end: float) -> Taken | None:
        """The newest picture of that time, without ``end``; what is older is given up."""
        found: Taken | None = None
        while self._taken and self._taken[0].time < end:
            taken = self._taken.popleft()
            if taken.time >= begin:
                found = taken
        return found

    def first(self, patience: float) -> Taken:
        """The first picture there is, of whichever tick; a black one after that time."""
        self._there.wait(patience)
        try:
            return self._taken[0]
        except IndexError:
            height, width = self._size or BLACK
            return Taken(time.perf_counter(), np.zeros((height, width, 3), np.uint8))

    def close(self) -> None:
        """End the thread, without waiting long for a picture that does not come."""
        self._ends.put(None)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        try:
            self._try(self._open)
            while (end := self._next()) is not None:
                self._rest_until(end - self._usual_s - SPARE_S)
                self._try(self._take)
        finally:
            self._drop_grabber()
            self._taken.clear()  # whoever keeps the figures need not keep pictures

    def _next(self) -> float | None:
        """The end of the newest tick, once there is one: those before it are over."""
        end = self._ends.get()
        while end is not None:
            try:
                end = self._ends.get_nowait()
            except queue.Empty:
                return end
        return None

    @staticmethod
    def _rest_until(moment: float) -> None:
        time.sleep(max(moment - time.perf_counter(), 0.0))

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except CaptureError:
            self._drop_grabber()  # the window may be a new one: open it afresh next time
            time.sleep(AGAIN_S)

    def _open(self) -> Grabber:
        if self._grabber is None:
            self._grabber = self._open_grabber()
            self._grabber.grab()  # the first one takes longer: it is no measure for the next
        return self._grabber

    def _take(self) -> None:
        grabber = self._open()
        began = time.perf_counter()
        frame = grabber.grab()
        took = time.perf_counter() - began
        self._usual_s += (min(took, 2 * self._usual_s or took) - self._usual_s) / 4
        self._taken.append(Taken(frame.time, self._fit(frame.pixels)))
        self._there.set()

    def _fit(self, pixels: Image) -> Image:
        """Scale to the size of the first picture: even sides, at most ``max_width`` wide."""
        if self._size is None:
            scale = min(1.0, self._max_width / pixels.shape[1])
            height, width = (max(int(side * scale) // 2 * 2, 2) for side in pixels.shape[:2])
            self._size = height, width
        if pixels.shape[:2] == self._size:
            return pixels
        height, width = self._size
        small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.uint8)

    def _drop_grabber(self) -> None:
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None
