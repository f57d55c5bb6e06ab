"""``FallbackEngine``: an engine with another one behind it, should memory run out."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from nitropilot.engines.base import ActionChunk, Engine
from nitropilot.engines.errors import OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.engines.base import Request

log = logging.getLogger("nitropilot.engines")


class FallbackEngine(Engine):
    """Runs one engine until its device is out of memory, then, once, the next.

    Args:
        engine: What runs first.
        open_next: Opens what runs then, given the reason; it may raise.
    """

    def __init__(self, engine: Engine, open_next: Callable[[str], Engine]) -> None:
        self._open_next: Callable[[str], Engine] | None = open_next
        self._use(engine)

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``; the one that runs out of memory is slow."""
        try:
            return self._engine.infer_batch(requests)
        except OutOfMemory as error:
            if self._open_next is None:
                raise
            open_next, self._open_next = self._open_next, None
            why = f"not {self.info.name} on {self.info.device}: {error}"
            log.warning("%s; falling back to another engine", why)
            self._engine.close()
            self._use(open_next(why))
            return self._engine.infer_batch(requests)

    def close(self) -> None:
        """Close whichever runs."""
        self._open_next = None
        self._engine.close()

    def _use(self, engine: Engine) -> None:
        self._engine = engine
        self.spec, self.info = engine.spec, engine.info
        self.max_batch, self.joins = engine.max_batch, engine.joins
