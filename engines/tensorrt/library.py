"""The two TensorRT libraries, which have one Python interface.

- ``tensorrt_rtx``: for GeForce RTX and RTX cards, what players have.  It builds for any of
  its targets without a card, and finishes the kernels on the player's.
- ``tensorrt``: for data-centre cards.  It measures kernels while it builds, so it builds for
  the card in this machine only.

Importing this module imports neither.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

from nitropilot.engines.errors import EngineError, EngineUnavailable, OutOfMemory

log = logging.getLogger("nitropilot.engines")

RTX, DATA_CENTRE = "tensorrt_rtx", "tensorrt"
INSTALL = "pip install 'nitropilot[tensorrt]'"
INSTALL_DATA_CENTRE = "pip install 'nitropilot[tensorrt-datacenter]'"
KEPT_MESSAGES = 100


class Journal:
    """What a library said since it was last asked; its errors arrive as log lines."""

    def __init__(self) -> None:
        self._errors: deque[str] = deque(maxlen=KEPT_MESSAGES)

    def note(self, severity: str, message: str) -> None:
        """Take one message of the library."""
        if severity in ("ERROR", "INTERNAL_ERROR"):
            self._errors.append(message)
            log.debug("TensorRT: %s", message)

    def clear(self) -> None:
        """Forget what was said before."""
        self._errors.clear()

    def failure(self, what: str, hint: str = "") -> EngineError:
        """The error for what just failed: the library's first words; ``OutOfMemory`` if so."""
        said = list(self._errors)
        self._errors.clear()
        full = any(
            "out of memory" in line.lower() or "outofmemory" in line.lower() for line in said
        )
        first = said[0].split("\n")[0].strip() if said else "the library gave no reason"
        return (OutOfMemory if full else EngineError)(f"{what}: {first}", hint)


@dataclass(frozen=True, eq=False)
class Library:
    """One of the two libraries, loaded.

    Attributes:
        name: ``tensorrt_rtx`` or ``tensorrt``.
        version: Its version; an engine runs with the one that built it only.
        module: The module itself.
        journal: What it says; a process has one, because the library keeps the first.
        logger: ``journal`` as the library takes it.
    """

    name: str
    version: str
    module: Any
    journal: Journal
    logger: Any

    @property
    def label(self) -> str:
        """As in ``tensorrt_rtx 1.7.1``."""
        return f"{self.name} {self.version}"

    @property
    def targets(self) -> tuple[str, ...]:
        """What it builds for without having it: ``sm75``, ``sm89`` and so on."""
        kinds = getattr(self.module, "ComputeCapability", None)
        names = getattr(kinds, "__members__", {})
        return tuple(name.lower() for name in names if name.startswith("SM"))


def installed() -> tuple[str, ...]:
    """Which of the libraries are there, without loading them."""
    return tuple(name for name in (RTX, DATA_CENTRE) if importlib.util.find_spec(name))


def require_installed() -> tuple[str, ...]:
    """``installed``, when that is any.

    Raises:
        EngineUnavailable: None is.
    """
    names = installed()
    if not names:
        raise EngineUnavailable(
            "neither tensorrt_rtx nor tensorrt is installed",
            f"{INSTALL} for GeForce RTX and RTX cards, {INSTALL_DATA_CENTRE} for data-centre cards",
        )
    return names


def library_for(target: str) -> Library:
    """The library to build for, or run on, a compute capability such as ``sm89``.

    Raises:
        EngineUnavailable: None is installed, or it cannot be loaded.
    """
    names = require_installed()
    if RTX in names and (len(names) == 1 or target in load_library(RTX).targets):
        return load_library(RTX)
    return load_library(DATA_CENTRE)


@functools.cache
def load_library(name: str) -> Library:
    """Load one of the libraries.

    Raises:
        EngineUnavailable: It cannot be loaded.
    """
    try:
        module = importlib.import_module(name)
        version = str(module.__version__)
        journal = Journal()
        return Library(name, version, module, journal, _logger(module, journal))
    except (ImportError, OSError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        hint = INSTALL if name == RTX else INSTALL_DATA_CENTRE
        raise EngineUnavailable(f"{name} cannot be loaded: {reason}", hint) from None


def _logger(module: Any, journal: Journal) -> Any:
    """A logger of the library's own class that writes to ``journal``."""

    def start(self: Any) -> None:
        module.ILogger.__init__(self)

    def take(self: Any, severity: Any, message: str) -> None:
        journal.note(severity.name, message)

    return type("JournalLogger", (module.ILogger,), {"__init__": start, "log": take})()
