"""``PlayStats``: what a session measured while it played."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

KEPT = 100_000
"""Samples kept for percentiles; the oldest make room (26 minutes of sends at 60 Hz)."""


@dataclass
class PlayStats:
    """Counters and samples; written by the loop's thread, read by others.

    Attributes:
        frames: Frames grabbed for the policy.
        chunks: Chunks computed.
        sent: Actions sent to the pad.
        playing_seconds: Time in the playing state, frozen or not.
        frozen_seconds: Part of it during which the game was frozen.
        inference: Seconds from observation to actions, one a chunk.
        lateness: Seconds between when an action was due and when it was sent.
    """

    frames: int = 0
    chunks: int = 0
    sent: int = 0
    playing_seconds: float = 0.0
    frozen_seconds: float = 0.0
    inference: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    lateness: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))

    @property
    def running_seconds(self) -> float:
        """Time the game itself has had while we played."""
        return self.playing_seconds - self.frozen_seconds

    def summary(self) -> dict[str, float | int | None]:
        """The figures that commands print; rates per second of wall time, times in ms."""
        seconds = self.playing_seconds
        return {
            "frames": self.frames,
            "chunks": self.chunks,
            "actions_sent": self.sent,
            "actions_per_second": round(self.sent / seconds, 2) if seconds else 0.0,
            "inference_ms_p50": _ms(self.inference, 50),
            "inference_ms_p99": _ms(self.inference, 99),
            "pacing_jitter_ms_p99": _ms(self.lateness, 99),
            "seconds_playing": round(seconds, 3),
            "seconds_frozen": round(self.frozen_seconds, 3),
        }


def _ms(samples: deque[float], rank: float) -> float | None:
    """A percentile in milliseconds; None without samples."""
    value = percentile(list(samples), rank)
    return None if value is None else round(value * 1000, 3)


def percentile(samples: list[float], rank: float) -> float | None:
    """The smallest sample that ``rank`` percent of the samples do not exceed."""
    if not samples:
        return None
    ordered = sorted(samples)
    index = -(-len(ordered) * rank // 100) - 1
    return ordered[min(max(int(index), 0), len(ordered) - 1)]
