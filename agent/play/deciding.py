"""From a game's window to an action chunk: what both play loops do alike."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.agent.errors import NothingToSee
from nitropilot.agent.values import Decision
from nitropilot.capture.errors import DisplaySilent, WindowMinimised
from nitropilot.engines.base import Request
from nitropilot.engines.errors import ServerGone
from nitropilot.policy.observation import observe
from nitropilot.records.timeline import ContextRing

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent.play.settings import PlaySettings
    from nitropilot.capture import Frame
    from nitropilot.engines.base import Array, Engine, Prefix


def grab_usable(grab: Callable[[], Frame]) -> Frame:
    """The newest frame, if there is anything on it.

    Raises:
        NothingToSee: The window is minimised, its display silent, or the picture black.
        CaptureError: There is no window, or it cannot be read.
    """
    try:
        frame = grab()
    except (WindowMinimised, DisplaySilent) as error:
        raise NothingToSee(error.line()) from error
    if frame.black:
        raise NothingToSee(
            "the picture is black; if it stays so, switch the game from exclusive "
            "fullscreen to windowed or borderless; on Wayland no window can be seen"
        )
    return frame


class Decider:
    """Turns frames into chunks and remembers the frames before.  One thread at a time.

    Args:
        engine: What decides.
        settings: Game, guidance and seed.
    """

    def __init__(self, engine: Engine, settings: PlaySettings) -> None:
        self._engine = engine
        self._settings = settings
        self._rng = np.random.default_rng(settings.seed)
        self._past: ContextRing[Array] = ContextRing(
            settings.timeline(engine.spec), engine.spec.frames
        )
        self._run = -1

    def forget(self) -> None:
        """Keep no frame of before."""
        self._past.clear()

    def decide(self, frame: Frame, run: int, tick: int, prefix: Prefix | None = None) -> Decision:
        """Frame to chunk; noise is drawn here so that every engine gets the same.

        Args:
            frame: What to decide on.
            run: Number of the unbroken stretch of play; frames of another one are no
                context, as the player has moved since.
            tick: The frame's, in that stretch.
            prefix: What the chunk has to contain.

        Raises:
            NothingToSee: The policy server is not there just now.
            NitroPilotError: The engine failed.
        """
        began = time.perf_counter()
        if run != self._run:
            self._past.clear()
            self._run = run
        spec = self._engine.spec
        self._past.add(tick, observe(frame.pixels, spec.image_size)[0])
        known = self._past.context()
        missing = spec.frames - len(known)
        context = np.stack([np.zeros_like(known[0])] * missing + known)
        observed = time.perf_counter()
        request = Request(
            context, self._engine.draw_noise(self._rng), missing, self._settings.game,
            self._settings.cfg_scale, prefix,
        )  # fmt: skip
        try:
            chunk = self._engine.infer_batch([request])[0]
        except ServerGone as error:
            self._past.drop_last()
            raise NothingToSee(error.line()) from error
        chunk.seconds.setdefault("preprocess", observed - began)
        return Decision(frame, chunk, time.perf_counter() - began, request)
