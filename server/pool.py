"""``EnginePool``: policies loaded once and shared by sessions and ``/predict``."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from engines import ActionChunk, Engine, load_engine
from server.errors import NoPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engines.base import Request


class SharedEngine(Engine):
    """An engine that several threads take turns on; the pool closes it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._look()

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``, after whoever is before."""
        with self._turn:
            try:
                return self._engine.infer_batch(requests)
            finally:
                self._look()  # it may have fallen back to another

    def close(self) -> None:
        """Nothing: others may be using it."""

    def _look(self) -> None:
        self.spec, self.info = self._engine.spec, self._engine.info
        self.max_batch, self.joins = self._engine.max_batch, self._engine.joins


class EnginePool:
    """Loads each policy once.

    Args:
        default: The policy for requests that name none.
        engine: Kind of engine, or ``auto``.
        device: Device, or ``auto``.
        precision: What to compute in, or ``auto``.
    """

    def __init__(
        self,
        default: str | None,
        engine: str = "auto",
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.default = default
        self._kind = engine
        self._device = device
        self._precision = precision
        self._engines: dict[str, tuple[Engine, SharedEngine]] = {}
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}

    def get(self, policy: str | None = None) -> Engine:
        """The engine for ``policy`` or for the default one.

        Raises:
            NoPolicy: Neither is there.
            CheckpointError, EngineUnavailable: It cannot be loaded.
        """
        name = policy or self.default
        if name is None:
            raise NoPolicy(
                "no policy is loaded",
                "start with --policy CHECKPOINT, or random:tiny to try without one",
            )
        with self._lock:
            opening = self._opening.setdefault(name, threading.Lock())
        with opening:  # compiling may take a minute, and others want other policies
            if name not in self._engines:
                engine = load_engine(name, engine=self._kind, device=self._device)
                self._engines[name] = (engine, SharedEngine(engine))
            return self._engines[name][1]

    def close(self) -> None:
        """Free all weights."""
        with self._lock:
            for engine, _ in self._engines.values():
                engine.close()
            self._engines.clear()
