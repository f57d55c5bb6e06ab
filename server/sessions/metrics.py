"""``/metrics``: figures for Prometheus, summed over all sessions; no names of windows or games.

Counters count since the daemon's start: what a forgotten session has done stays counted.
"""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from nitropilot.agent.session.states import SessionState
from nitropilot.server.jobs.jobs import RUNNING
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric

    from nitropilot.agent import Session
    from nitropilot.server.sessions.registry import SessionRegistry

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24)
TOTALS = {
    "frames": "Frames grabbed for a policy",
    "chunks": "Chunks computed in play",
    "actions_sent": "Actions sent to pads",
    "chunks_dropped": "Chunks that came too late",
    "actions_dropped": "Actions of chunks that came too late",
    "ticks": "Ticks of real-time play",
    "ticks_without_action": "Ticks of real-time play that no action was there for",
    "playing_seconds": "Time in play",
    "frozen_seconds": "Time in play with the game frozen",
    "held_back": "Menu buttons that were held back",
    "pad_lapses": "Pads let go because the daemon was silent",
    "freezes_cut": "Freezes of games that ended by themselves",
}


def totals_of(session: Session) -> Counter[str]:
    """What a session has done so far."""
    stats = session.stats
    held = session.guard.held_back.values()
    values = (
        stats.frames, stats.chunks, stats.sent, stats.chunks_dropped, stats.actions_dropped,
        stats.ticks, stats.ticks - stats.fresh, stats.playing_seconds, stats.frozen_seconds,
        sum(held), stats.pad_lapses, stats.freezes_cut,
    )  # fmt: skip
    return Counter(dict(zip(TOTALS, values, strict=True)))


class Metrics:
    """The daemon's figures.

    Args:
        registry: Its sessions.
    """

    def __init__(self, registry: SessionRegistry) -> None:
        self._collectors = CollectorRegistry()
        self._collectors.register(_Sessions(registry))
        ProcessCollector(registry=self._collectors)
        self._inference = Histogram(
            "nitropilot_inference_seconds", "Time of one inference, of one or more chunks",
            buckets=BUCKETS, registry=self._collectors,
        )  # fmt: skip
        registry.pool.observe = self._inference.observe

    def text(self) -> bytes:
        """All of them, in Prometheus' text form."""
        return generate_latest(self._collectors)


class _Sessions(Collector):
    """Looks at the daemon when it is asked."""

    def __init__(self, registry: SessionRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Everything that can be counted when asked."""
        registry = self._registry
        yield _gauge("build_info", "1, with the version", {__version__: 1}, "version")
        sessions = registry.all()
        states = Counter(session.state for session in sessions)
        counted = {str(state): states[state] for state in SessionState}
        yield _gauge("sessions", "Sessions that are remembered, by state", counted, "state")
        totals = registry.forgotten + Counter()
        for session in sessions:
            totals.update(totals_of(session))
        for name, text in TOTALS.items():
            yield CounterMetricFamily(f"nitropilot_{name}", text, value=totals[name])
        yield CounterMetricFamily(
            "nitropilot_session_restarts", "Sessions begun again", value=registry.restarts.count
        )
        recording = sum(session.recording.state.enabled for session in sessions)
        yield GaugeMetricFamily(
            "nitropilot_recordings_running", "Recordings being made", value=recording
        )
        yield GaugeMetricFamily(
            "nitropilot_recordings_disk_free_bytes", "Free on the disk of recordings",
            value=_free(registry),
        )  # fmt: skip
        jobs = sum(job.now.state == RUNNING for job in registry.jobs.all())
        yield GaugeMetricFamily("nitropilot_jobs_running", "Jobs that run", value=jobs)
        yield GaugeMetricFamily(
            "nitropilot_policies_loaded", "Policies that are loaded",
            value=len(registry.pool.loaded()),
        )  # fmt: skip


def _gauge(name: str, text: str, values: dict[str, int], label: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"nitropilot_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _free(registry: SessionRegistry) -> float:
    folder = registry.recordings.root
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        return float(shutil.disk_usage(folder).free)
    except OSError:
        return 0.0
