"""Which files of ``server/pages`` are served: this list, and nothing else."""

from __future__ import annotations

PAGES = {"/overlay": "overlay/overlay.html"}
"""Pages that anybody may load, by path.  There is no secret in them."""

ASSETS = (
    "dashboard/checkup.js",
    "dashboard/chunk.js",
    "dashboard/controls.js",
    "dashboard/dashboard.css",
    "dashboard/dashboard.js",
    "dashboard/graphs.js",
    "dashboard/learning.js",
    "dashboard/live.js",
    "dashboard/newgame.js",
    "dashboard/reasons.js",
    "dashboard/recordings.js",
    "dashboard/theme.js",
    "dashboard/tokens.js",
    "dashboard/windows.js",
    "overlay/history.js",
    "overlay/overlay.css",
    "overlay/overlay.js",
    "shared/api.js",
    "shared/base.css",
    "shared/dom.js",
    "shared/sign-in.css",
    "shared/events.js",
    "shared/icon.svg",
    "shared/layouts.js",
    "shared/pad.css",
    "shared/pad.js",
)
"""What the pages are made of, each under ``/pages/``; as little of a secret."""

PUBLIC_FILES = frozenset(PAGES) | {f"/pages/{name}" for name in ASSETS}
"""The paths that the guard lets through without a token."""
