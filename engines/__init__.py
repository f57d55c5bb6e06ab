"""Run a policy: the ``Engine`` interface, its implementations and the chooser.

Importing this package loads no GPU library; an engine's own module is imported when
the engine is chosen.
"""

from engines.base import ActionChunk, Engine, EngineInfo, PolicySpec
from engines.chooser import ENGINES, EngineReport, engine_reports, load_engine
from engines.errors import EngineError, EngineUnavailable, InferenceFailed

__all__ = [
    "ENGINES",
    "ActionChunk",
    "Engine",
    "EngineError",
    "EngineInfo",
    "EngineReport",
    "EngineUnavailable",
    "InferenceFailed",
    "PolicySpec",
    "engine_reports",
    "load_engine",
]
