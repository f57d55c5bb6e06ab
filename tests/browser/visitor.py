"""A browser that a test drives, and that must not complain: the one who visits the pages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.server.processes import PATIENCE_S, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

    from tests.server.processes import Daemon

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
EVENTS = "/api/v1/events"
WIDE = (1280, 800)
PHONE = (844, 390)
"""Held sideways."""
PATIENCE_MS = PATIENCE_S * 1000
ARTEFACTS = Path(os.environ.get("NITROPILOT_ARTEFACTS", ROOT / "artifacts" / "browser"))
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error("policy violated:", event.violatedDirective, event.blockedURI));"""
GRAVE = ("serious", "critical")


def find_chromium() -> str:
    """The browser's path; skips the test where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("no Chromium here; on Debian: apt-get install chromium")


class Visitor:
    """One browser with no history, at one daemon.

    Args:
        browser: What to open it in.
        daemon: Whose pages it visits.
        size: Of its window.
        scheme: ``dark`` or ``light``, as the system says.

    Attributes:
        page: The first tab.
        complaints: What its console and its scripts complained about so far.
        without_events: Whether the daemon is too old to have them, so that a browser complains.
    """

    def __init__(
        self, browser: Browser, daemon: Daemon, size: tuple[int, int], scheme: str
    ) -> None:
        self.daemon = daemon
        self.complaints: list[str] = []
        self.without_events = False
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.page = self.tab()

    def tab(self) -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"raised: {error}"))
        return page

    def come_in(self) -> Page:
        """Open the dashboard as a user does, with a one-time link."""
        self.page.goto(self.daemon.client.post("/api/v1/auth/codes").json()["url"])
        self.find("#first-run:visible, #player:visible").first.wait_for()
        return self.page

    def find(self, selector: str) -> Locator:
        """Elements of the first tab."""
        return self.page.locator(selector)

    def forgive(self, part: str) -> None:
        """Forget complaints that the test itself provoked; there must have been some."""
        kept = [line for line in self.complaints if part not in line]
        assert len(kept) < len(self.complaints), f"nothing like {part!r} in {self.complaints}"
        self.complaints = kept

    def faults(self) -> list[str]:
        """What axe finds that keeps people from using the page."""
        found: dict[str, Any] = Axe().run(self.page).response
        assert found["passes"], "axe looked at nothing"
        return [
            f"{fault['impact']}: {fault['id']} at {[node['target'] for node in fault['nodes']]}"
            for fault in found["violations"]
            if fault["impact"] in GRAVE
        ]

    def shoot(self, name: str, **how: Any) -> bytes:
        """A picture of the first tab, which also goes to the artefacts."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        return self.page.screenshot(path=ARTEFACTS / f"{name}.png", **how)

    def close(self) -> None:
        """Go, and say what was wrong."""
        self.context.close()
        assert self.complaints == []

    def _said(self, message: ConsoleMessage) -> None:
        if self.without_events and EVENTS in message.text:
            return  # the browser's own line about a WebSocket that this daemon does not have
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} ({message.location})")
