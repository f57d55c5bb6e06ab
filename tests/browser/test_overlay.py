"""The OBS overlay: what is drawn, on what ground, and what becomes of its token."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.visitor import EVENTS, PATIENCE_MS, Visitor
from tests.server.conftest import needs_preload
from tests.server.processes import POLICY, Daemon, until

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from playwright.sync_api import Browser, Page, WebSocket

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.browser.conftest import Visit

pytestmark = pytest.mark.long

expect.set_options(timeout=PATIENCE_MS)
FULL_HD = (1920, 1080)
UHD = (3840, 2160)
LETTERS = {
    "xbox": {"A", "B", "X", "Y", "LT", "RT", "LB", "RB"},
    "playstation": {"L1", "R1", "L2", "R2"},
    "switch": {"A", "B", "X", "Y", "ZL", "ZR", "L", "R", "+", "\u2212"},
}  # fmt: skip


def overlay_token(daemon: Daemon) -> tuple[str, str]:
    """Id and secret of a token that may only look."""
    made = daemon.client.post("/api/v1/tokens", json={"name": "obs", "scope": "overlay"}).json()
    return made["token"]["id"], made["secret"]


def alpha(picture: bytes) -> NDArray[np.uint8]:
    """How opaque each pixel of a PNG is."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"))[..., 3]


def connection(page: Page, phase: str) -> None:
    """Wait until the page's connection is in this phase."""
    expect(page.locator("body")).to_have_attribute("data-connection", phase)


@pytest.mark.parametrize("size", [FULL_HD, UHD], ids=["1080p", "4k"])
@pytest.mark.parametrize(
    ("layout", "theme"), [("xbox", "dark"), ("playstation", "light"), ("switch", "outline")]
)
def test_three_layouts_on_nothing(
    daemon: Daemon, visit: Visit, layout: str, theme: str, size: tuple[int, int]
) -> None:
    """An opaque corner or a scrollbar covers the stream's game."""
    visitor = visit(size)
    visitor.page.goto(f"{daemon.url}/overlay?layout={layout}&theme={theme}&show=pad")
    pad = visitor.find("svg.pad")
    expect(pad).to_have_attribute("data-layout", layout)
    assert {text.text_content() for text in pad.locator("text").all()} == LETTERS[layout]
    box = pad.bounding_box()
    assert box is not None
    assert box["width"] > size[0] / 5.5, "too small to read"
    for way in ("Width", "Height"):
        assert visitor.page.evaluate(f"document.documentElement.scroll{way}") in size
    visitor.page.evaluate("document.getElementById('message').hidden = true")
    opaque = alpha(visitor.shoot(f"overlay-{layout}-{theme}-{size[0]}", omit_background=True))
    assert opaque.shape == (size[1], size[0])
    assert not opaque[: size[1] // 3].any(), "the picture above the overlay is covered"
    assert not opaque[:, size[0] // 2 :].any(), "the picture beside the overlay is covered"
    left, top = int(box["x"]), int(box["y"])
    there = opaque[top : top + int(box["height"]), left : left + int(box["width"])]
    assert there.any(), "no pad was drawn"


def test_scale_place_and_parts_are_as_asked(daemon: Daemon, visit: Visit) -> None:
    """OBS has no other way to set them than the address."""
    visitor = visit(FULL_HD)

    def width(query: str) -> float:
        visitor.page.goto(f"{daemon.url}/overlay?{query}")
        box = visitor.find("svg.pad").bounding_box()
        assert box is not None
        return box["width"]

    whole = width("scale=1")
    assert width("scale=0.5") == pytest.approx(whole / 2, rel=0.02)
    assert width("scale=nonsense&layout=nonsense&theme=&at=x") == whole
    visitor.page.goto(f"{daemon.url}/overlay?show=history&at=top-right")
    expect(visitor.find("#pad")).to_be_hidden()
    expect(visitor.find("#history")).to_be_visible()
    box = visitor.find("#history").bounding_box()
    assert box is not None
    assert box["x"] > FULL_HD[0] / 2
    assert box["y"] < FULL_HD[1] / 3


@pytest.mark.parametrize("sign", ["#", "&"])
def test_the_token_leaves_the_address_and_survives_a_reload(
    daemon: Daemon, visitor: Visitor, events: None, sign: str
) -> None:
    """OBS shows the address in its dialogue, and reloads the page at the press of a button."""
    _, secret = overlay_token(daemon)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url + str(request.headers)))
    visitor.page.goto(f"{daemon.url}/overlay?layout=switch{sign}token={secret}")
    connection(visitor.page, "open")
    assert visitor.page.url == f"{daemon.url}/overlay?layout=switch"
    assert visitor.page.evaluate("document.documentElement.outerHTML").count(secret) == 0
    pages = 0 if sign == "#" else 1  # what stands before the # is sent by any browser
    assert len([line for line in asked if secret in line]) == pages
    visitor.page.reload()
    connection(visitor.page, "open")


def test_the_token_is_said_in_identify_only(daemon: Daemon, visitor: Visitor, events: None) -> None:
    """Once, over the WebSocket, and in no address."""
    _, secret = overlay_token(daemon)
    said: list[str | bytes] = []
    places: list[str] = []

    def opened(socket: WebSocket) -> None:
        places.append(socket.url)
        # Playwright wraps handlers, which it cannot do with built-in methods.
        socket.on("framesent", lambda text: said.append(text))

    visitor.page.on("websocket", opened)
    visitor.page.goto(f"{daemon.url}/overlay#token={secret}")
    connection(visitor.page, "open")
    assert places == [daemon.url.replace("http", "ws") + EVENTS]
    assert [str(text).count(secret) for text in said] == [1]
    assert '"type":"identify"' in str(said[0])


@pytest.mark.parametrize(
    ("layout", "theme"), [("xbox", "dark"), ("playstation", "light"), ("switch", "outline")]
)
def test_it_shows_what_is_pressed_and_by_whom(
    daemon: Daemon, visit: Visit, events: None, layout: str, theme: str
) -> None:
    """Sticks move, buttons light, inputs are listed, and the badge says who plays."""
    needs_preload()
    _, secret = overlay_token(daemon)
    session = daemon.playing(launch="runner", headless=True)
    visitor = visit(FULL_HD)
    visitor.page.goto(f"{daemon.url}/overlay?layout={layout}&theme={theme}#token={secret}")
    expect(visitor.find("#badge")).to_have_text("AI")
    places = {knob_place(visitor.page)}

    def moved() -> bool:
        places.add(knob_place(visitor.page))
        return len(places) > 5

    until(moved, "a stick moves")
    visitor.find("#history li").nth(3).wait_for()
    visitor.find(".pad-button.lit").first.wait_for()
    opaque = alpha(visitor.shoot(f"overlay-playing-{layout}", omit_background=True))
    assert not opaque[:, FULL_HD[0] // 2 :].any(), "the picture beside the overlay is covered"
    path = f"/api/v1/sessions/{session['id']}/autoplay"
    daemon.client.post(path, json={"enabled": False})
    expect(visitor.find("#badge")).to_have_text("HUMAN")
    until(lambda: knob_place(visitor.page) == "translate(0 0)", "the pad is at rest")
    expect(visitor.find(".pad-button.lit")).to_have_count(0)
    daemon.client.post(path, json={"enabled": True})
    expect(visitor.find("#badge")).to_have_text("AI")


def knob_place(page: Page) -> str:
    """Where the left stick is."""
    place = page.locator("[data-button=left_thumb]").get_attribute("transform")
    assert place is not None
    return place.replace("-0", "0") if place.endswith("-0)") else place


def test_a_revoked_token_ends_it_for_good(daemon: Daemon, visitor: Visitor, events: None) -> None:
    """What was streamed by mistake is taken back; the page must not knock on and on."""
    token_id, secret = overlay_token(daemon)
    sockets: list[Any] = []
    visitor.page.on("websocket", lambda socket: sockets.append(socket))
    visitor.page.goto(f"{daemon.url}/overlay#token={secret}")
    connection(visitor.page, "open")
    daemon.client.delete(f"/api/v1/tokens/{token_id}")
    connection(visitor.page, "refused")
    expect(visitor.find("#message")).to_contain_text("revoked")
    visitor.page.wait_for_timeout(3000)  # several times the first pause before another try
    assert len(sockets) == 1
    visitor.page.reload()
    expect(visitor.find("#message")).to_contain_text("no token")


def test_a_revoked_token_ends_it_in_a_signed_in_browser_too(
    daemon: Daemon, visitor: Visitor, events: None
) -> None:
    """Who tries the address beside the dashboard must see what OBS would: not the cookie's view."""
    token_id, secret = overlay_token(daemon)
    visitor.come_in()
    visitor.page.goto(f"{daemon.url}/overlay#token={secret}")
    connection(visitor.page, "open")
    daemon.client.delete(f"/api/v1/tokens/{token_id}")
    connection(visitor.page, "refused")


def test_a_wrong_token_is_said(daemon: Daemon, visitor: Visitor, events: None) -> None:
    """A streamer who copied half of it must find out why nothing comes."""
    visitor.page.goto(f"{daemon.url}/overlay#token=np_wrong")
    expect(visitor.find("#message")).to_contain_text("the token is wrong")


def test_it_comes_back_by_itself(
    browser: Browser, x_display: PrivateDisplay, tmp_path: Path, events: None
) -> None:
    """The daemon is restarted in mid-stream, and nobody goes to OBS and presses reload."""
    options = ("--policy", POLICY, "--engine", "torch")
    first = Daemon(tmp_path, x_display.name, *options, warm_start=True)
    visitor = Visitor(browser, first, FULL_HD, "dark")
    try:
        _, secret = overlay_token(first)
        visitor.page.goto(f"{first.url}/overlay#token={secret}")
        connection(visitor.page, "open")
        first.client.close()
        first.kill()
        connection(visitor.page, "waiting")
        expect(visitor.find("#message")).to_contain_text("trying again")
        second = Daemon(
            tmp_path, x_display.name, *options, "--port", str(first.port), warm_start=True
        )
        connection(visitor.page, "open")
        expect(visitor.find("#message")).to_be_hidden()
        second.client.close()
        second.kill()
    finally:
        first.kill()
        visitor.context.close()
