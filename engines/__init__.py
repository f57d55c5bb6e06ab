"""Run a policy: the ``Engine`` interface, its implementations and the chooser.

Importing this package loads no GPU library; an engine's own module is imported when
the engine is chosen.
"""

from engines.base import ActionChunk, Engine, EngineInfo, PolicySpec, Prefix, Request
from engines.chooser import EngineReport, engine_reports, load_engine
from engines.errors import EngineError, EngineUnavailable, InferenceFailed, OutOfMemory
from engines.wish import DEVICES, ENGINES, PRECISIONS

__all__ = [
    "DEVICES",
    "ENGINES",
    "PRECISIONS",
    "ActionChunk",
    "Engine",
    "EngineError",
    "EngineInfo",
    "EngineReport",
    "EngineUnavailable",
    "InferenceFailed",
    "OutOfMemory",
    "PolicySpec",
    "Prefix",
    "Request",
    "engine_reports",
    "load_engine",
]
