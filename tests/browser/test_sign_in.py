"""The way in: a link that works once, a cookie, and what is shown without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.visitor import PATIENCE_MS

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor
    from tests.server.processes import Daemon

expect.set_options(timeout=PATIENCE_MS)


def test_without_a_session_the_page_says_how_to_get_in(daemon: Daemon, visitor: Visitor) -> None:
    """A bare 401 would leave the user with nothing to do."""
    visitor.page.goto(daemon.url)
    expect(visitor.find("main")).to_contain_text("nitropilot url")
    expect(visitor.find("script")).to_have_count(0)
    assert visitor.faults() == []
    visitor.shoot("door")


def test_a_link_opens_the_dashboard_and_is_out_of_the_address(
    daemon: Daemon, visitor: Visitor
) -> None:
    """The address bar is what streamers show by mistake."""
    link = daemon.client.post("/api/v1/auth/codes").json()["url"]
    visitor.page.goto(link)
    expect(visitor.find("#view-play")).to_be_visible()
    assert visitor.page.url.rstrip("/") == daemon.url
    visitor.page.goto(link)
    expect(visitor.find("main")).to_contain_text("has been used")
    visitor.page.click("text=Go to the dashboard")
    expect(visitor.find("#view-play")).to_be_visible()
    visitor.forgive("401")  # the browser's own line about the spent link


def test_logging_out_closes_the_door(visitor: Visitor) -> None:
    """On a computer that others use too."""
    visitor.come_in()
    visitor.page.click("nav >> text=Access")
    visitor.page.click("text=Log out")
    expect(visitor.find("main")).to_contain_text("nitropilot url")
    visitor.page.go_back()
    visitor.page.reload()
    expect(visitor.find("main")).to_contain_text("nitropilot url")
