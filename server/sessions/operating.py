"""Put a daemon together: its settings, and what follows them while it runs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from nitropilot.policy.naming import DEFAULT
from nitropilot.server.host.logs import configure
from nitropilot.server.sessions.pool import EnginePool
from nitropilot.server.sessions.registry import SessionRegistry
from nitropilot.server.store.settings_store import SettingsStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nitropilot.server.store.settings import Settings

log = logging.getLogger("nitropilot.daemon")


def open_registry(overrides: Mapping[str, Mapping[str, Any]]) -> SessionRegistry:
    """The daemon's sessions, with its settings and what it was started with.

    Args:
        overrides: What the command line decides, by section and name.

    Raises:
        SettingsInvalid: The file of settings, or what was given, is wrong.
        CheckpointError, EngineUnavailable: The default policy cannot be loaded.
    """
    settings = SettingsStore(overrides=overrides)
    play = settings.current.play
    pool = EnginePool(play.policy or DEFAULT, play.engine, play.device, play.precision)
    registry = SessionRegistry(pool, settings)
    settings.listen(lambda now: configure(now.log.format, now.log.level))
    settings.listen(lambda now: _follow(pool, now))
    if play.policy is not None:  # what comes with NitroPilot is no slip of the user's: it can wait
        pool.get().close()
    for mended in registry.recordings.recover():
        log.warning("the recording %s was mended", mended)
    return registry


def _follow(pool: EnginePool, settings: Settings) -> None:
    play = settings.play
    pool.use(play.policy or DEFAULT, play.engine, play.device, play.precision)
