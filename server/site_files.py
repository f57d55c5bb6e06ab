"""Which files of ``server/pages`` are served: this list, and nothing else."""

from __future__ import annotations

PAGES = {"/overlay": "overlay.html"}
"""Pages that anybody may load, by path.  There is no secret in them."""

ASSETS = (
    "api.js",
    "base.css",
    "checkup.js",
    "chunk.js",
    "controls.js",
    "dashboard.css",
    "dashboard.js",
    "dom.js",
    "door.css",
    "events.js",
    "graphs.js",
    "history.js",
    "icon.svg",
    "layouts.js",
    "live.js",
    "newgame.js",
    "overlay.css",
    "overlay.js",
    "pad.css",
    "pad.js",
    "reasons.js",
    "recordings.js",
    "theme.js",
    "tokens.js",
    "windows.js",
)
"""What the pages are made of, each under ``/pages/``; as little of a secret."""

PUBLIC_FILES = frozenset(PAGES) | {f"/pages/{name}" for name in ASSETS}
"""The paths that the guard lets through without a token."""
