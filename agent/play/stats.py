"""``PlayStats``: what a session measured while it played."""

from __future__ import annotations

from dataclasses import dataclass, field

from nitropilot.agent.play.samples import Samples


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
        ticks: Ticks of real-time play while there was something to see.
        fresh: How many of them had an action: one for this very tick, of a chunk that was
            there in time.  So its frame is younger than a chunk's playing time.
        chunks_dropped: Chunks that came when all of their actions were for times past.
        actions_dropped: First actions of chunks that were for times past: in real-time
            mode every chunk has some, for the time that it took to compute.
        reaction: Seconds from a frame to the first action of its chunk, one a chunk.
        age: Seconds from the frame that an action was made from to the action's sending.
        pad_lapses: How often this process was silent for so long that the pad went neutral.
        freezes_cut: Freezes that ended by themselves, before there was a chunk.
    """

    frames: int = 0
    chunks: int = 0
    sent: int = 0
    playing_seconds: float = 0.0
    frozen_seconds: float = 0.0
    inference: Samples = field(default_factory=Samples)
    lateness: Samples = field(default_factory=Samples)
    ticks: int = 0
    fresh: int = 0
    chunks_dropped: int = 0
    actions_dropped: int = 0
    reaction: Samples = field(default_factory=Samples)
    age: Samples = field(default_factory=Samples)
    pad_lapses: int = 0
    freezes_cut: int = 0

    @property
    def running_seconds(self) -> float:
        """Time the game itself has had while we played."""
        return self.playing_seconds - self.frozen_seconds

    @property
    def fresh_share(self) -> float | None:
        """Share of real-time ticks that were played from a fresh chunk; None without ticks."""
        return self.fresh / self.ticks if self.ticks else None

    def summary(self) -> dict[str, float | int | None]:
        """The figures that commands print; rates per second of wall time, times in ms.

        Times from a frame are wall time too: in paused mode the game stood still for
        most of them.
        """
        seconds, fresh = self.playing_seconds, self.fresh_share
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
            "fresh_share": None if fresh is None else round(fresh, 4),
            "ticks_without_action": self.ticks - self.fresh,
            "chunks_dropped": self.chunks_dropped,
            "actions_dropped": self.actions_dropped,
            "frame_to_action_ms_p50": _ms(self.reaction, 50),
            "frame_to_action_ms_p99": _ms(self.reaction, 99),
            "frame_age_ms_p50": _ms(self.age, 50),
            "frame_age_ms_p99": _ms(self.age, 99),
            "pad_lapses": self.pad_lapses,
            "freezes_cut": self.freezes_cut,
        }


def _ms(samples: Samples, rank: float) -> float | None:
    """A percentile in milliseconds; None without samples."""
    value = samples.percentile(rank)
    return None if value is None else round(value * 1000, 3)


def percentile(samples: list[float], rank: float) -> float | None:
    """The smallest sample that ``rank`` percent of the samples do not exceed."""
    if not samples:
        return None
    ordered = sorted(samples)
    index = -(-len(ordered) * rank // 100) - 1
    return ordered[min(max(int(index), 0), len(ordered) - 1)]
