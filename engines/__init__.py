"""Run a policy: the ``Engine`` interface, its implementations and the chooser.

Importing this package loads no GPU library; an engine's own module is imported when
the engine is chosen.
"""

import sys

from nitropilot.engines.base import ActionChunk, Engine, EngineInfo, PolicySpec, Prefix, Request
from nitropilot.engines.chooser import EngineReport, engine_reports, load_engine
from nitropilot.engines.errors import (
    EngineError,
    EngineUnavailable,
    InferenceFailed,
    OutOfMemory,
    WrongResult,
)
from nitropilot.engines.wish import DEVICES, ENGINES, PRECISIONS

# OpenVINO reports its use to its makers where this package is found, and leaves a file with
# an id in the home folder.  What a player plays is nobody's business: it must not be found.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

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
    "WrongResult",
    "engine_reports",
    "load_engine",
]
