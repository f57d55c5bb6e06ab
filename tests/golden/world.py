"""What stands in for the system while a recording is fed back: screen, pad, pauser, person.

It gives what was recorded, takes the time that was recorded, and notes what reaches it.
``tests.golden.adapter`` clothes it in the program's own interfaces.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tests.golden.data import Image, Recording

    Array = NDArray[np.float32]

CLOSE = 1e-5
"""How far a chunk may be from the one expected: another processor rounds otherwise."""


class World:
    """One play's.

    Args:
        recording: What is fed back.
        looker: Which thread looks for the policy, by the start of its name.
        expected: The chunks that should be computed, or None when that is not known.
        pid: The game's process.
        joins: Whether the engine is said to honour a prefix.
        frames: How many frames it is said to take.

    Attributes:
        notes: What reached the pad and the pauser, and when.
        asked: What the engine was asked for each chunk.
        chunks: What it computed.
        slow: How many times as long as recorded a chunk takes.
        trouble: What is wrong with the window: "", ``minimised`` or ``black``.
    """

    def __init__(
        self,
        recording: Recording,
        looker: str,
        expected: Sequence[Array] | None,
        pid: int,
        joins: bool = True,
        frames: int = 1,
    ) -> None:
        self.recording = recording
        self.pid = pid
        self.joins = joins
        self.frames = frames
        self.notes: list[list[Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.chunks: list[Array] = []
        self.wrong: list[str] = []
        self.trouble = ""
        self._looker = looker
        self._expected = expected
        self.slow = 1.0
        self._origin = time.perf_counter()
        self._frames = self._decisions = self._sends = self._freezes = 0
        self._moves: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def begin(self) -> None:
        """Times are counted from now on."""
        self._origin = time.perf_counter()

    def at(self) -> float:
        """The time."""
        return round(time.perf_counter() - self._origin, 9)

    def note(self, what: str, *more: Any) -> None:
        """Something reached the boundary."""
        self.notes.append([self.at(), what, *more])

    def look(self) -> Image | None:
        """A picture: the policy's thread sees the next one, others what it saw last."""
        recording = self.recording
        last = len(recording.frames) - 1
        if threading.current_thread().name.startswith(self._looker):
            number = min(self._frames, last)
            time.sleep(recording.grabs[number])
            if not self.trouble:
                self._frames += 1
        else:
            number = min(max(self._frames - 1, 0), last)
        if self.trouble == "minimised":
            return None
        picture = recording.frames[number]
        return np.zeros_like(picture) if self.trouble == "black" else picture.copy()

    def sent(self, row: list[Any]) -> None:
        """A state was sent to the pad."""
        self._sends += 1
        time.sleep(self.recording.sends[self._sends % len(self.recording.sends)])
        self.note("pad", *row)

    def freeze(self, frozen: bool) -> None:
        """The game is to stand still."""
        if not frozen and (taken := self.recording.freezes):
            time.sleep(taken[self._freezes % len(taken)])
            self._freezes += 1
        self.note("freeze")

    def thaw(self, frozen: bool) -> None:
        """The game is to run."""
        if frozen and (taken := self.recording.thaws):
            time.sleep(taken[self._freezes % len(taken)])
        if frozen:
            self.note("thaw")

    def inferred(
        self,
        actions: Array,
        *,
        observation: Array,
        noise: Array,
        prefix: tuple[Array, Array] | None,
        **options: Any,
    ) -> tuple[Array, dict[str, float]]:
        """A chunk was computed: what is passed on, and what its parts took.

        What is near enough to the chunk expected is replaced by it, so that a last digit
        here is no other action there.
        """
        number = len(self.chunks)
        self._check_noise(noise)
        self.asked.append(self._facts(observation, prefix) | options)
        self.chunks.append(actions)
        if self._expected is not None and number < len(self._expected):
            wanted = self._expected[number]
            if wanted.shape == actions.shape and np.abs(wanted - actions).max() <= CLOSE:
                actions = wanted
        if self._frames:
            self._decisions += 1
        parts = self.recording.inferences[self._decisions % len(self.recording.inferences)]
        time.sleep(parts["total"] * self.slow)
        return actions.copy(), {name: value * self.slow for name, value in parts.items()}

    def _check_noise(self, noise: Array) -> None:
        """The same seed must give the noise that the real play had; single steps draw anew."""
        recorded = self.recording.noise
        known = any(np.array_equal(noise, one) for one in recorded)
        if self._frames and self._decisions < len(recorded) and not known:
            self.wrong.append(f"chunk {self._decisions} was started from other noise")

    def _facts(self, observation: Array, prefix: tuple[Array, Array] | None) -> dict[str, Any]:
        """What the engine was asked, in numbers that a person can compare."""
        facts: dict[str, Any] = {
            "at": self.at(),
            "seen": [round(float(value), 4) for value in observation.mean(axis=(2, 3)).ravel()],
            "prefix": None,
        }
        if prefix is not None:
            facts["prefix"] = {
                "weights": [round(float(value), 6) for value in prefix[1]],
                "sums": [round(float(value), 4) for value in prefix[0].sum(axis=1)],
            }
        return facts

    def human(self, timeout: float) -> dict[str, Any] | None:
        """What a person does next with a pad of their own."""
        try:
            return self._moves.get(timeout=timeout)
        except queue.Empty:
            return None

    def human_moves(self, does: dict[str, Any] | None) -> None:
        """A person moves their pad."""
        self._moves.put(does)
