"""``/api/v1/events``: what happens, told to whoever may listen (docs/events.md)."""

from __future__ import annotations

from nitropilot.server.events.hub import Hub

__all__ = ["Hub"]
