"""Which mode a session plays in, and why."""

from __future__ import annotations

import logging
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.agent.play.paused import PausedLoop
from nitropilot.agent.play.people import Nobody, PeopleLoop
from nitropilot.agent.play.realtime import RealtimeLoop
from nitropilot.agent.play.settings import Mode

if TYPE_CHECKING:
    from nitropilot.agent.play.loop import Parts, PlayLoop
    from nitropilot.agent.play.settings import PlaySettings
    from nitropilot.engines.base import Engine

log = logging.getLogger("nitropilot.session")

SAMPLES = 3
"""Chunks that ``auto`` measures, after the engine's warm-up."""
REALTIME_SHARE = 0.5
"""Real-time mode needs a chunk in less than this share of its playing time."""


@dataclass(frozen=True)
class ModeChoice:
    """The mode that is played.

    Attributes:
        mode: ``paused`` or ``realtime``.
        reason: Why: "asked for", or the figures that decided.
    """

    mode: Mode
    reason: str


def choose_mode(settings: PlaySettings, engine: Engine) -> ModeChoice:
    """The mode that was asked for; for ``auto`` the one that suits a warm engine here.

    Raises:
        NitroPilotError: ``auto``, and the engine failed.
    """
    if isinstance(engine, Nobody):
        return ModeChoice(Mode.REALTIME, engine.info.reason)
    if settings.mode is not Mode.AUTO:
        return ModeChoice(settings.mode, "asked for")
    taken = measure(engine, settings)
    playing = settings.played(engine.spec) / settings.hz
    fast = taken < REALTIME_SHARE * playing
    mode = Mode.REALTIME if fast else Mode.PAUSED
    choice = ModeChoice(
        mode,
        f"auto: a chunk takes {taken * 1000:.1f} ms, {'less' if fast else 'not less'} than half "
        f"of the {playing * 1000:.0f} ms that it plays",
    )
    log.info("mode %s, %s", choice.mode, choice.reason)
    return choice


def measure(engine: Engine, settings: PlaySettings) -> float:
    """Seconds that a chunk takes: the median of ``SAMPLES``, with the guidance asked for."""
    spec = engine.spec
    grey = np.zeros((spec.frames, 3, spec.image_size, spec.image_size), np.float32)
    noise = engine.draw_noise(np.random.default_rng(0))
    taken = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        engine.infer(grey, noise, game=settings.game, cfg_scale=settings.cfg_scale)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def open_loop(choice: ModeChoice, parts: Parts) -> PlayLoop:
    """The loop for a mode; a real-time one that ``auto`` chose may give up."""
    if isinstance(parts.engine, Nobody):
        return PeopleLoop(parts)
    if choice.mode is Mode.REALTIME:
        return RealtimeLoop(parts, gives_up=parts.settings.mode is Mode.AUTO)
    return PausedLoop(parts)


def open_stepper(loop: PlayLoop, before: PlayLoop | None) -> PlayLoop:
    """What plays single chunks while a loop rests: a paused one itself.

    Args:
        loop: What plays otherwise.
        before: What played single chunks before: one loop for all of them, so that noise goes on.
    """
    if isinstance(loop, PausedLoop):
        return loop
    return before or PausedLoop(loop.parts)


def fall_back(loop: PlayLoop) -> tuple[ModeChoice, PlayLoop]:
    """From a starved real-time loop to paused mode; says so in log and trace."""
    choice = ModeChoice(Mode.PAUSED, f"auto: fell back from real-time mode, {loop.starved}")
    log.warning("playing paused now; %s", choice.reason)
    loop.trace.event("mode", mode=choice.mode, reason=choice.reason)
    loop.parts.events.warn(f"playing paused now; {choice.reason}")
    loop.close()
    return choice, PausedLoop(loop.parts)
