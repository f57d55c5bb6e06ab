"""The pacer and the statistics.  No test asks how late this machine is: it may be busy."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest

from nitropilot.agent.play import pacing
from nitropilot.agent.play.pacing import Pacer
from nitropilot.agent.play.samples import Samples
from nitropilot.agent.play.stats import PlayStats, percentile


class Clock:
    """A clock that only sleeping and looking move, so that lateness is the test's to choose."""

    def __init__(self) -> None:
        self.now = 100.0
        self.oversleep = 0.0

    def perf_counter(self) -> float:
        self.now += 1e-5
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + self.oversleep


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The pacer's clock."""
    clock = Clock()
    monkeypatch.setattr(pacing, "time", clock)
    return clock


def test_ticks_on_the_real_clock() -> None:
    """Never before a tick is due, and never in another distance than asked for."""
    due_times = []
    start = time.perf_counter()
    for index, due in Pacer(200.0).ticks(20):
        assert time.perf_counter() >= due
        assert index == len(due_times)
        due_times.append(due)
    assert time.perf_counter() >= start + 20 / 200.0, "the last action lasts its period too"
    for earlier, later in pairwise(due_times):
        assert later - earlier == pytest.approx(0.005)


def test_ticks_do_not_drift(clock: Clock) -> None:
    """A sleep that always comes back late must not slow a chunk down."""
    clock.oversleep = 0.0005
    start = clock.now
    for index, due in Pacer(60.0).ticks(600):
        assert due == pytest.approx(start + index / 60.0, abs=1e-4)
        assert due <= clock.now < due + 0.001
    assert clock.now == pytest.approx(start + 10.0, abs=0.001)


def test_a_late_tick_does_not_shift_the_others(clock: Clock) -> None:
    """After a hiccup of three periods the missed ones come at once, the rest on time."""
    times = []
    start = clock.now
    for index, due in Pacer(100.0).ticks(10):
        times.append((clock.now, due))
        if index == 2:
            clock.now += 0.035
    late = [now - due for now, due in times]
    assert late[:3] == pytest.approx([0, 0, 0], abs=0.001)
    assert late[3:6] == pytest.approx([0.025, 0.015, 0.005], abs=0.001)
    assert late[6:] == pytest.approx([0] * 4, abs=0.001)
    assert clock.now == pytest.approx(start + 0.1, abs=0.001)


def test_no_ticks() -> None:
    """A chunk that was cut to nothing takes no time."""
    assert list(Pacer(1.0).ticks(0)) == []


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
    stats.age.extend([0.02, 0.03, 0.04, 0.05])
    assert stats.running_seconds == 1.75
    assert stats.summary() == {
        "frames": 3, "chunks": 2, "actions_sent": 90, "actions_per_second": 30.0,
        "inference_ms_p50": 500.0, "inference_ms_p99": 700.0, "pacing_jitter_ms_p99": 1.0,
        "seconds_playing": 3.0, "seconds_frozen": 1.25, "fresh_share": 0.75,
        "ticks_without_action": 20, "chunks_dropped": 1, "actions_dropped": 21,
        "frame_to_action_ms_p50": 20.0, "frame_to_action_ms_p99": 30.0,
        "frame_age_ms_p50": 30.0, "frame_age_ms_p99": 50.0,
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
