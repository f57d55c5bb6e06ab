"""What happens while it happens: pictures, pad, timeline and graphs in the dashboard."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nitropilot.simulator.games.recipes import installed
from tests.browser.test_overlay import FULL_HD, connection, knob_place, overlay_token
from tests.browser.visitor import EVENTS, PATIENCE_MS, WIDE, Visitor
from tests.server.conftest import needs_preload
from tests.server.processes import POLICY, Daemon, running_game, until

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, WebSocketRoute

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.browser.conftest import Visit

expect.set_options(timeout=PATIENCE_MS)
pytestmark = [pytest.mark.long, pytest.mark.usefixtures("events")]
STATE = "[data-reason=state]"
BETWEEN_FRAMES_MS = 200
"""How often the page asks for a picture."""
DECODES_LATE = """const real = window.createImageBitmap;
window.createImageBitmap = async (...given) => {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return real(...given);
};"""


def frames(visitor: Visitor) -> int:
    """How many pictures of the game the page has drawn."""
    return int(visitor.find("#picture").get_attribute("data-frames") or 0)


def coloured(visitor: Visitor) -> bool:
    """Whether the drawn picture shows more than one colour."""
    script = """() => { const c = document.getElementById("picture");
      const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
      return new Set(new Uint32Array(d.buffer)).size; }"""
    return bool(visitor.page.evaluate(script) > 8)


def watch_it_play(visitor: Visitor) -> None:
    """The pad moves, pictures come, a chunk and its timings are drawn."""
    places: set[str] = set()

    def moves() -> bool:
        places.add(knob_place(visitor.page))
        return len(places) > 4

    until(moves, "the stick in the page moves")
    seen = frames(visitor)
    until(lambda: frames(visitor) > seen + 3, "pictures keep coming")
    until(lambda: coloured(visitor), "a picture of the game")
    visitor.find("#chunk svg").wait_for()
    expect(visitor.find("#chunk svg text").first).to_have_text("Left")
    expect(visitor.find("#chunk-words")).to_contain_text("16 actions")
    expect(visitor.find("#chunk .now")).to_be_visible()
    for graph in ("inference", "pacing"):
        drawing = visitor.find(f"#graph-{graph} svg")
        until(lambda d=drawing: "half within" in d.get_attribute("aria-label"), graph)  # type: ignore[misc]


def test_a_session_is_seen_from_start_to_end(daemon: Daemon, visitor: Visitor) -> None:
    """Started elsewhere, by another program: the open page must follow without a reload."""
    needs_preload()
    visitor.come_in()
    expect(visitor.find("#connection")).to_have_text("live")
    session = daemon.create(launch="runner", headless=True)
    expect(visitor.find(STATE)).to_contain_text("AI plays")
    watch_it_play(visitor)
    daemon.client.post(f"/api/v1/sessions/{session['id']}/autoplay", json={"enabled": False})
    expect(visitor.find("#who")).to_have_text("HUMAN")
    until(lambda: knob_place(visitor.page) == "translate(0 0)", "the drawn pad is at rest")
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")
    expect(visitor.find(STATE)).to_contain_text("ended")


def test_a_lost_daemon_is_said_across_the_picture(
    browser: Browser, x_display: PrivateDisplay, tmp_path: Path
) -> None:
    """Nobody may take an old picture and "AI" for what happens now, hung or gone."""
    needs_preload()
    daemon = Daemon(
        tmp_path, x_display.name, "--policy", POLICY, "--engine", "torch", warm_start=True
    )
    dashboard, overlay = (Visitor(browser, daemon, size, "dark") for size in (WIDE, FULL_HD))
    try:
        _, secret = overlay_token(daemon)
        daemon.playing(launch="runner", headless=True)
        dashboard.come_in()
        overlay.page.goto(f"{daemon.url}/overlay#token={secret}")

        def live() -> None:
            expect(dashboard.find("#who")).to_have_text("AI")
            expect(dashboard.find("#no-picture")).to_be_hidden()
            expect(overlay.find("#badge")).to_have_text("AI")

        def lost(name: str) -> None:
            expect(dashboard.find("#no-picture")).to_contain_text("Not connected")
            assert not coloured(dashboard), "the old picture is still there"
            expect(dashboard.find("#who")).to_have_text("")
            expect(dashboard.find(STATE)).to_contain_text("not known")
            expect(dashboard.find("#autoplay")).to_be_hidden()
            expect(dashboard.find("#panic")).to_be_visible()
            expect(overlay.find("#badge")).to_be_hidden()
            expect(overlay.find("#message")).to_contain_text("trying again")
            expect(overlay.find("#history li")).to_have_count(0)
            dashboard.shoot(f"lost-{name}")
            overlay.shoot(f"overlay-lost-{name}", omit_background=True)

        live()
        daemon.process.send_signal(signal.SIGSTOP)
        lost("hung")
        daemon.process.send_signal(signal.SIGCONT)
        live()
        daemon.client.close()
        daemon.process.kill()
        lost("gone")
    finally:
        daemon.process.send_signal(signal.SIGCONT)
        daemon.kill()
        for visitor in (dashboard, overlay):
            visitor.context.close()


def test_nothing_is_asked_before_it_is_said_who_asks(daemon: Daemon, visitor: Visitor) -> None:
    """A daemon whose hello is late must hear `identify` first, or it takes the page for broken."""
    needs_preload()
    heard: list[list[str]] = []
    pages: list[WebSocketRoute] = []
    late: list[str | bytes] = []

    def between(page: WebSocketRoute) -> None:
        daemon_side, said = page.connect_to_server(), list[str]()
        heard.append(said)

        def from_page(text: str | bytes) -> None:
            said.append(json.loads(text)["type"])
            daemon_side.send(text)

        def from_daemon(text: str | bytes) -> None:
            if len(heard) == 2 and not said and not late:
                late.append(text)
            else:
                page.send(text)

        page.on_message(from_page)
        daemon_side.on_message(from_daemon)
        pages.append(page)

    visitor.page.route_web_socket(re.compile(EVENTS), between)
    daemon.playing(launch="runner", headless=True)
    visitor.come_in()
    until(lambda: frames(visitor) > 2, "pictures")
    pages[0].close(code=1001)
    until(lambda: visitor.page.wait_for_timeout(50) or late, "the hello of the next connection")
    visitor.page.wait_for_timeout(5 * BETWEEN_FRAMES_MS)
    assert heard[1] == [], "the page speaks only when it is spoken to"
    pages[1].send(late[0])
    seen = frames(visitor)
    until(lambda: frames(visitor) > seen + 2, "pictures again")
    assert heard[1][0] == "identify"


def test_a_picture_that_is_decoded_late_does_not_come_back(
    browser: Browser, x_display: PrivateDisplay, tmp_path: Path
) -> None:
    """It would cover the words that nobody knows any more what the game shows."""
    needs_preload()
    daemon = Daemon(
        tmp_path, x_display.name, "--policy", POLICY, "--engine", "torch", warm_start=True
    )
    visitor = Visitor(browser, daemon, WIDE, "dark")
    visitor.page.add_init_script(DECODES_LATE)
    try:
        daemon.playing(launch="runner", headless=True)
        visitor.come_in()
        until(lambda: frames(visitor) > 2, "pictures")
        daemon.client.close()
        daemon.process.kill()
        expect(visitor.find("#no-picture")).to_contain_text("Not connected")
        for _ in range(40):
            visitor.page.wait_for_timeout(50)
            assert not coloured(visitor)
            assert visitor.find("#no-picture").is_visible()
    finally:
        daemon.kill()
        visitor.context.close()


def test_windows_have_thumbnails(visit: Visit, x_display: PrivateDisplay) -> None:
    """Two windows of one game have the same name; a picture tells them apart."""
    needs_preload()
    visitor = visit(scheme="light")
    visitor.come_in()
    with running_game(x_display.name) as game:
        visitor.page.click("nav >> text=New game")
        card = visitor.find(f"label.pick:has(input[value='window:{game.window.handle}'])")
        card.locator("canvas[data-drawn]").wait_for()
        visitor.shoot("thumbnails")


@pytest.mark.game
def test_supertux_from_the_link_to_the_end(daemon: Daemon, visit: Visit) -> None:
    """A real game, as a user plays and streams it: the whole way through the page."""
    needs_preload()
    if not installed("supertux"):
        pytest.skip("SuperTux is not installed")
    visitor = visit()
    visitor.come_in()
    visitor.page.click("nav >> text=New game")
    visitor.page.check("input[value='launch:supertux']")
    visitor.page.select_option("#mode", "paused")
    visitor.page.click("#start")
    expect(visitor.find(STATE)).to_contain_text("AI plays")
    watch_it_play(visitor)
    visitor.shoot("supertux")
    visitor.page.click("#autoplay")
    expect(visitor.find("#who")).to_have_text("HUMAN")
    visitor.page.click("#autoplay")
    expect(visitor.find("#who")).to_have_text("AI")
    overlay = stream(visit, visitor)
    expect(overlay.find("#badge")).to_have_text("AI")
    visitor.page.click("#panic")
    expect(visitor.find("#who")).to_have_text("HUMAN")
    expect(overlay.find("#badge")).to_have_text("HUMAN")
    visitor.page.click("nav >> text=Access")
    visitor.page.get_by_role("button", name="Revoke OBS overlay").click()
    connection(overlay.page, "refused")
    visitor.page.click("nav >> text=Play")
    visitor.page.click("#end")
    expect(visitor.find(STATE)).to_contain_text("ended")


def stream(visit: Visit, visitor: Visitor) -> Visitor:
    """Copy the OBS address out of the dashboard and open it as OBS does: with nothing else."""
    visitor.page.click("nav >> text=Access")
    visitor.page.click("text=Copy OBS URL")
    expect(visitor.find("#secret-note")).to_have_text("Copied.")
    address: str = visitor.page.evaluate("navigator.clipboard.readText()")
    assert address == visitor.find("#secret-value").input_value()
    overlay = visit((1920, 1080))
    overlay.page.goto(address)
    connection(overlay.page, "open")
    return overlay
