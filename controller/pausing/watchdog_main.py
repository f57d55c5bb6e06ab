"""The watchdog's process: the game runs again when the one who froze it dies.

    python -m nitropilot.controller.pausing.watchdog_main PID FREEZE_LIMIT [PAGE]

``controller.pausing.watchdog`` starts it and holds the other end of its stdin.  One word
a line goes each way: in come FREEZING, THAWED and GOODBYE; out go READY, then
RELEASED whenever a freeze lasted too long; any other line out is an error.
Stdin ends when the other process dies, in whatever way.  Then the pad page
becomes neutral first, the game's processes run again, and this one ends.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nitropilot.controller.processes import descendants
from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from nitropilot.controller.pads.pad_page import PadPage

READY = b"ready"
RELEASED = b"released"
FREEZING = b"freezing"
THAWED = b"thawed"
GOODBYE = b"goodbye"

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_ENDED = b""
_SAY_S = 1.0
"""How long the log may take to take a line."""


def main(arguments: list[str]) -> int:
    """Guard one process until the other side says goodbye, dies or a SIGTERM comes."""
    pid, limit, *page = arguments
    try:
        game = psutil.Process(int(pid))
        pad = _open_page(Path(page[0])) if page else None
    except (psutil.Error, NitroPilotError, OSError) as error:
        _say(_STDOUT, " ".join(str(error).split()).encode())
        return 1
    events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    _follow_signals(events)
    threading.Thread(target=_read_lines, args=(events,), daemon=True).start()
    _say(_STDOUT, READY)
    _guard(game, pad, events, float(limit))
    return 0


def _guard(
    game: psutil.Process, pad: PadPage | None, events: queue.SimpleQueue[bytes], limit: float
) -> None:
    deadline: float | None = None
    while True:
        try:
            rest = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            event = events.get(timeout=rest)
        except queue.Empty:
            _release(game, pad)
            _say(_STDOUT, RELEASED)
            # The other side may still be freezing: keep on guarding until it says it is not.
            deadline = time.monotonic() + limit
            continue
        if event == FREEZING:
            deadline = time.monotonic() + limit
        elif event == THAWED:
            deadline = None
        else:
            break
    if event != GOODBYE or deadline is not None:
        _release(game, pad)


def _release(game: psutil.Process, pad: PadPage | None) -> None:
    """Neutral pad, then running game; a page that fails does not keep the game frozen."""
    try:
        if pad is not None:
            from nitropilot.controller.state import NEUTRAL

            pad.write(NEUTRAL)
    finally:
        _resume(game)
    # A log that nobody reads takes no line, for ever; the next freeze has to be guarded then.
    line = b"nitropilot watchdog: released the pad and process %d" % game.pid
    saying = threading.Thread(target=_say, args=(_STDERR, line), daemon=True)
    saying.start()
    saying.join(_SAY_S)


def _resume(game: psutil.Process) -> None:
    """Resume children before parents, and nothing if the id belongs to another process now."""
    if not game.is_running():
        return
    with suppress(psutil.Error, OSError):
        for pid in reversed(descendants(game.pid)):
            with suppress(psutil.Error, OSError):
                psutil.Process(pid).resume()
    with suppress(psutil.Error, OSError):
        game.resume()


def _open_page(path: Path) -> PadPage:
    from nitropilot.controller.pads.pad_page import PadPage

    return PadPage.open(path)


def _read_lines(events: queue.SimpleQueue[bytes]) -> None:
    rest = b""
    try:
        while part := os.read(_STDIN, 4096):
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                events.put(line)
    finally:
        events.put(_ENDED)


def _follow_signals(events: queue.SimpleQueue[bytes]) -> None:
    """End only on SIGTERM: a Ctrl-C or a closed terminal is meant for others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: events.put(_ENDED))
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _say(stream: int, line: bytes) -> None:
    with suppress(OSError):  # the reader may be gone
        os.write(stream, line + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
