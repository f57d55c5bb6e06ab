"""The real overlay page in a real browser, fed with the events of a play.

The page's files come as the daemon served them, its WebSocket is ours.  At every checkpoint the
page is read: its elements as text, and at some of them each pixel.
"""

from __future__ import annotations

import base64
import difflib
import hashlib
import io
import json
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from PIL import Image as Pillow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from playwright.sync_api import Browser, Page, Route

    from tests.golden.scenarios import Scenario

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
PLACE = "http://127.0.0.1:6487"
HEARD = ("hello", "ready", "state", "pad", "lost")
"""What the overlay listens to, and what comes anyway."""
EVERY = 17
"""Messages between two checkpoints."""
SHOTS = (3, 6)
"""Checkpoints at which each pixel counts."""
SOCKET = """
window.WebSocket = class extends EventTarget {
  static OPEN = 1;
  readyState = 1;
  said = [];
  constructor(url) { super(); this.url = url; window.fed = this; }
  send(text) { this.said.push(text); }
  close() {}
};
window.feed = (texts) => {
  for (const data of texts) window.fed.dispatchEvent(new MessageEvent("message", { data }));
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
};
"""
READ = """() => {
  const root = document.documentElement;
  return [root.dataset.theme, root.style.cssText, document.body.outerHTML].join("><");
}"""


def find_browser() -> str | None:
    """The browser's path, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def tools() -> dict[str, str]:
    """What the page's pixels depend on."""
    path = find_browser()
    version = _said([path, "--version"]) if path else ""
    fonts = "\n".join(sorted(_said(["fc-list", ":", "family", "style"]).splitlines()))
    return {"browser": version, "fonts": hashlib.sha256(fonts.encode()).hexdigest()[:16]}


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


@contextmanager
def browser() -> Iterator[Browser]:
    """The browser, for a block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        yield one
        one.close()


def watch(
    one: Browser, play: Path, scenario: Scenario
) -> tuple[dict[str, Any], list[NDArray[np.uint8]]]:
    """Show a play on the overlay.

    Args:
        one: The browser.
        play: The folder of a play that was fed back.
        scenario: Its scenario.

    Returns:
        What the page said and showed, and some pictures of it.
    """
    pages = json.loads((play / "pages.json").read_text(encoding="utf-8"))
    events = json.loads((play / "outcome.json").read_text(encoding="utf-8"))["events"]
    width, height = scenario.size
    context = one.new_context(viewport={"width": width, "height": height})
    complaints: list[str] = []
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(SOCKET)
    page.route("**/*", lambda route: _serve(route, pages))
    page.goto(f"{PLACE}/overlay?{scenario.overlay}#token=golden")
    messages = [json.dumps(event) for event in events if event["type"] in HEARD]
    shown, shots = _checkpoints(page, messages)
    said = page.evaluate("() => ({ url: fed.url, said: fed.said, title: document.title })")
    context.close()
    return {"said": [said], "complaints": complaints, "shown": shown}, shots


def _checkpoints(page: Page, messages: list[str]) -> tuple[list[Any], list[NDArray[np.uint8]]]:
    shown: list[Any] = []
    shots = []
    before: list[str] = []
    for number, first in enumerate(range(0, len(messages), EVERY)):
        page.evaluate("(texts) => feed(texts)", messages[first : first + EVERY])
        now = page.evaluate(READ).replace("><", ">\n<").splitlines()
        changes = list(difflib.unified_diff(before, now, lineterm="", n=0))[2:]
        shown.append({"messages": min(first + EVERY, len(messages)), "changes": changes})
        before = now
        if number in SHOTS:
            picture = page.screenshot(omit_background=True, animations="disabled")
            shots.append(np.asarray(Pillow.open(io.BytesIO(picture)).convert("RGBA")))
    return shown, shots


def _serve(route: Route, pages: Mapping[str, Any]) -> None:
    file = pages.get(urlsplit(route.request.url).path)
    if file is None:
        route.fulfill(status=404)
        return
    body = base64.b64decode(file["body"])
    route.fulfill(status=file["status"], headers=file["headers"], body=body)
