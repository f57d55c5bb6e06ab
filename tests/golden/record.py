"""Record the plays that the golden traces replay: ``python -m tests.golden.record``.

Each game runs under an X server of its own and is really played, by a session with a policy
of random weights.  What its grabber returned and what every call at the boundary took is kept.
Only to be done when a play of another kind is wanted: the expectations change with it.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from tests.golden import adapter
from tests.golden.data import RECORDED, Recording

if TYPE_CHECKING:
    from collections.abc import Callable

CHUNKS = {"paused": 12, "realtime": 36}
SEED = 7
SMALL = "640x480"
"""SuperTux has no smaller window."""
PATIENCE_S = 120.0


class Tap:
    """Calls a part's methods and says what they took.

    Args:
        part: The real one.
        noted: Called with the method's name, the seconds, and what came of it.
    """

    def __init__(self, part: Any, noted: Callable[[str, float, Any], None]) -> None:
        self._part = part
        self._noted = noted

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._part, name)
        if name not in ("grab", "play", "freeze", "thaw"):
            return real

        def call(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            result = real(*args, **options)
            self._noted(name, time.perf_counter() - began, result)
            return result

        return call


class Recorder:
    """Puts what is noted into a recording."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def wrap(self, _kind: str, part: Any) -> Any:
        """A part whose calls are noted."""
        return Tap(part, self.noted)

    def noted(self, what: str, took: float, result: Any) -> None:
        """A call at the boundary."""
        recording = self.recording
        if what == "grab":
            looker = adapter.LOOKER[recording.mode]
            if threading.current_thread().name.startswith(looker):
                recording.grabbed.append(result.time)
                recording.grabs.append(took)
                recording.frames.append(result.pixels)
        elif what == "play" and recording.frames:
            recording.sends.append(took)
        elif what == "freeze":
            recording.freezes.append(took)
        elif what == "thaw" and len(recording.thaws) < len(recording.freezes):
            recording.thaws.append(took)  # others follow no freeze

    def chunk(self, chunk: Any, request: Any, took: float) -> None:
        """A chunk was computed; the first one is no part of the play."""
        if self.recording.frames:
            self.recording.inferences.append({**chunk.seconds, "total": took})
            self.recording.noise.append(request.noise)


def record(game: str, mode: str, folder: Path) -> Recording:
    """Play a game for some seconds; what was recorded of it."""
    recorder = Recorder(Recording(game, mode, {}, SEED))
    recording = recorder.recording
    deadline = time.monotonic() + PATIENCE_S
    with (
        adapter.tapped(recorder.wrap),
        adapter.real_play(game, mode, SEED, folder, recorder.chunk, SMALL) as session,
    ):
        while len(recording.inferences) < CHUNKS[mode]:
            assert not session.state.ended, session.end
            assert time.monotonic() < deadline, session.state
            time.sleep(0.01)
        recording.window.update(adapter.window_facts(session))
    start = recording.grabbed[0]
    recording.grabbed = [moment - start for moment in recording.grabbed]
    return recording


def main(names: list[str]) -> None:
    """Record these plays, or all."""
    torch.set_num_threads(1)
    for name in names or RECORDED:
        with tempfile.TemporaryDirectory() as folder:
            recording = record(*name.split("-"), Path(folder))
        recording.save()
        print(f"{name}: {len(recording.frames)} frames, {len(recording.inferences)} chunks")


if __name__ == "__main__":
    main(sys.argv[1:])
