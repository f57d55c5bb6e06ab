"""The daemon's log on stderr: lines for people, or one JSON object a line for programs."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from functools import cache

from rich.console import Console
from rich.text import Text

OURS = ("nitropilot", "controller")
"""Loggers whose level the settings decide; everybody else's warnings are always shown."""
TEXT = "%(message)s"
TEXT_VERBOSE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@cache
def error_console() -> Console:
    """The one console on stderr: the log and a moving status line must share it."""
    return Console(stderr=True, soft_wrap=True)


class ConsoleHandler(logging.Handler):
    """One line a record, however narrow the terminal, above a moving status line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it; what goes wrong with that is no business of whoever logs."""
        style = "yellow" if record.levelno >= logging.WARNING else "dim"
        try:
            error_console().print(Text(self.format(record), style))
        except Exception:  # noqa: BLE001 - as every handler of logging's own
            self.handleError(record)


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time, level, logger, message and, with one, the error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure(layout: str, level: str) -> None:
    """Log like this from now on.

    Args:
        layout: ``text`` or ``json``.
        level: ``debug``, ``info``, ``warning`` or ``error``, for our own loggers.
    """
    handler: logging.Handler
    if layout == "json":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter())
    else:
        handler = ConsoleHandler()
        chatty = level in ("debug", "info")
        handler.setFormatter(logging.Formatter(TEXT_VERBOSE if chatty else TEXT))
    logging.getLogger().handlers[:] = [handler]
    for name in OURS:
        logging.getLogger(name).setLevel(level.upper())
