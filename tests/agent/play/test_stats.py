"""The statistics of a play."""

from __future__ import annotations

import numpy as np
import pytest

from nitropilot.agent.play.samples import Samples
from nitropilot.agent.play.stats import PlayStats, percentile


@pytest.mark.parametrize(
    ("samples", "rank", "value"),
    [([], 50, None), ([7.0], 0, 7.0), ([7.0], 50, 7.0), ([7.0], 100, 7.0),
     ([4.0, 1.0, 3.0, 2.0], 50, 2.0), ([4.0, 1.0, 3.0, 2.0], 51, 3.0),
     ([4.0, 1.0, 3.0, 2.0], 75, 3.0), ([4.0, 1.0, 3.0, 2.0], 99, 4.0),
     ([float(n) for n in range(1, 101)], 99, 99.0), ([float(n) for n in range(1, 102)], 99, 100.0)],
)  # fmt: skip
def test_percentiles(samples: list[float], rank: float, value: float | None) -> None:
    """Off by one at the top hides the worst stutter."""
    assert percentile(samples, rank) == value


def test_a_summary_before_anything_happened() -> None:
    """`status` may be asked at once: no division by zero, no made-up figures."""
    summary = PlayStats().summary()
    assert summary["actions_per_second"] == 0.0
    assert summary["inference_ms_p50"] is summary["pacing_jitter_ms_p99"] is None
    assert summary["fresh_share"] is summary["frame_to_action_ms_p50"] is None


def test_a_summary() -> None:
    """Rates are per second of wall time, times in milliseconds."""
    stats = PlayStats(frames=3, chunks=2, sent=90, playing_seconds=3.0, frozen_seconds=1.25)
    stats.inference.extend([0.5, 0.7])
    stats.lateness.extend([0.001, 0.0002])
    stats.ticks, stats.fresh, stats.chunks_dropped, stats.actions_dropped = 80, 60, 1, 21
    stats.reaction.extend([0.02, 0.03])
    stats.pad_lapses, stats.freezes_cut = 2, 1
    stats.age.extend([0.02, 0.03, 0.04, 0.05])
    assert stats.running_seconds == 1.75
    assert stats.summary() == {
        "frames": 3, "chunks": 2, "actions_sent": 90, "actions_per_second": 30.0,
        "inference_ms_p50": 500.0, "inference_ms_p99": 700.0, "pacing_jitter_ms_p99": 1.0,
        "seconds_playing": 3.0, "seconds_frozen": 1.25, "fresh_share": 0.75,
        "ticks_without_action": 20, "chunks_dropped": 1, "actions_dropped": 21,
        "frame_to_action_ms_p50": 20.0, "frame_to_action_ms_p99": 30.0,
        "frame_age_ms_p50": 30.0, "frame_age_ms_p99": 50.0, "pad_lapses": 2, "freezes_cut": 1,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_samples_have_the_percentiles_of_the_sorted_numbers(seed: int) -> None:
    """To half a percent, whatever the numbers: what is printed is what was measured."""
    numbers = np.random.default_rng(seed).lognormal(-6, 2, 5000).tolist()
    samples = Samples()
    samples.extend(numbers)
    for rank in (1, 50, 90, 99, 99.9, 100):
        assert samples.percentile(rank) == pytest.approx(percentile(numbers, rank), rel=0.0051)


def test_samples_below_a_microsecond() -> None:
    """A clock may even go back a little."""
    samples = Samples()
    samples.extend([0.0, -1e-9, 1e-7, 5.0])
    assert samples.percentile(50) == pytest.approx(0, abs=1e-6)
    assert samples.percentile(99) == 5.0


def test_samples_do_not_fill_the_memory() -> None:
    """A daemon plays for days, and is asked every second how it goes."""
    samples = Samples()
    samples.extend(np.random.default_rng(0).lognormal(-6, 1, 100_000).tolist())
    assert len(samples._buckets) < 3000
