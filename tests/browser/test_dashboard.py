"""The dashboard in a real browser, against the daemon, with the built-in game."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nitropilot.policy import random_policy, save_policy
from nitropilot.simulator.games.known import KNOWN_GAMES
from tests.browser.visitor import PATIENCE_MS, PHONE, WIDE
from tests.server.conftest import needs_preload
from tests.server.processes import running_game, until

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from tests.browser.conftest import Visit
    from tests.browser.visitor import Visitor
    from tests.server.processes import Daemon

pytestmark = pytest.mark.long

expect.set_options(timeout=PATIENCE_MS)
STATE = "[data-reason=state]"


def sessions(daemon: Daemon) -> list[dict[str, object]]:
    """Those that have not ended."""
    return [s for s in daemon.client.get("/api/v1/sessions").json() if not s["end"]]


def start_runner(visitor: Visitor) -> None:
    """Choose the built-in game and start it, by mouse."""
    visitor.page.click("nav >> text=New game")
    visitor.page.check("input[value='launch:runner']")
    visitor.page.check("#headless")
    visitor.page.click("#start")
    expect(visitor.find(STATE)).to_contain_text("AI plays")


def test_a_person_has_only_themselves_recorded(daemon: Daemon, visitor: Visitor) -> None:
    """No AI is loaded, so there is nothing to switch on."""
    needs_preload()
    visitor.come_in()
    visitor.page.click("nav >> text=New game")
    visitor.page.check("input[value='launch:runner']")
    visitor.page.check("#headless")
    visitor.page.check("#only-record")
    visitor.page.click("#start")
    expect(visitor.find("#who")).to_have_text("HUMAN")
    (session,) = sessions(daemon)
    assert (session["state"], session["policy"]) == ("takeover", None)
    for button in ("#autoplay", "#step"):
        expect(visitor.find(button)).to_be_hidden()
    expect(visitor.find("#record-now")).to_have_attribute("aria-checked", "true")
    expect(visitor.find(STATE)).to_have_text("you play")
    expect(visitor.find("#no-picture")).to_be_hidden()
    visitor.shoot("only-record")
    assert visitor.faults() == []
    visitor.page.click("text=End session")
    expect(visitor.find(STATE)).to_contain_text("ended")


def test_a_first_visit_explains_and_leads_to_a_game(daemon: Daemon, visitor: Visitor) -> None:
    """From nothing to a game that is being played, handed over and back, and ended."""
    needs_preload()
    visitor.come_in()
    start_runner(visitor)
    (session,) = sessions(daemon)
    assert session["state"] == "playing"
    switch = visitor.find("#autoplay")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(visitor.find("#who")).to_have_text("HUMAN")
    assert sessions(daemon)[0]["state"] == "paused"
    switch.click()
    expect(visitor.find("#who")).to_have_text("AI")
    assert sessions(daemon)[0]["state"] == "playing"
    visitor.page.click("text=End session")
    expect(visitor.find(STATE)).to_contain_text("ended")
    expect(visitor.find(STATE)).to_contain_text("deleted through the API")
    assert sessions(daemon) == []
    expect(visitor.find("#again")).to_be_visible()


def test_reasons_are_those_of_the_api(daemon: Daemon, visitor: Visitor) -> None:
    """A fallback that only the API tells of is silent to who looks at the page."""
    needs_preload()
    session = daemon.playing(launch="runner", headless=True)
    visitor.come_in()
    for name, text in (
        ("mode", session["mode_reason"]), ("engine", session["engine"]["reason"]),
        ("pad", session["pad"]["reason"]), ("policy", "random weights"),
        ("game", session["game"]["title"]),
    ):  # fmt: skip
        expect(visitor.find(f"[data-reason={name}]")).to_contain_text(text)


def test_a_game_that_the_policy_does_not_know(
    daemon: Daemon, visitor: Visitor, tmp_path: Path
) -> None:
    """Who looks at bad play has to see why, without opening anything."""
    needs_preload()
    policy = random_policy()
    policy.raw_config["nitropilot"] = {"games": ["road"]}
    policy.is_random = False
    save_policy(policy, tmp_path / "racer.safetensors")
    file = str(tmp_path / "racer.safetensors")
    session = daemon.playing(launch="runner", headless=True, policy=file)
    assert "was not trained on runner but on road: " in session["unfamiliar"]
    visitor.come_in()
    expect(visitor.find("#notice")).to_have_text(session["unfamiliar"])
    expect(visitor.find("[data-reason=policy]")).to_contain_text(session["unfamiliar"])


def test_a_running_window_is_picked(
    daemon: Daemon, visitor: Visitor, x_display: PrivateDisplay
) -> None:
    """The list shows what runs now, and what is picked is what is played."""
    needs_preload()
    with running_game(x_display.name) as game:
        visitor.come_in()
        visitor.page.click("nav >> text=New game")
        visitor.page.check(f"input[value='window:{game.window.handle}']")
        visitor.page.select_option("#mode", "paused")
        visitor.page.click("#start")
        expect(visitor.find(STATE)).to_contain_text("AI plays")
        (session,) = sessions(daemon)
        assert session["game"]["pid"] == game.pid  # type: ignore[index]
        assert session["mode"] == "paused"
        visitor.page.click("#panic")
        expect(visitor.find("#who")).to_have_text("HUMAN")
        assert game.runs()
        assert game.pad_is_neutral()


def test_stop_everything_stops_all(daemon: Daemon, visitor: Visitor) -> None:
    """The one button that must not depend on which session is looked at."""
    needs_preload()
    for _ in range(2):
        daemon.playing(launch="runner", headless=True)
    visitor.come_in()
    expect(visitor.find("#session option")).not_to_have_count(1)
    visitor.page.click("#panic")
    until(lambda: not any(s["state"] == "playing" for s in sessions(daemon)), "both let go")
    for said in ("let go of", *(s["id"] for s in sessions(daemon))):
        expect(visitor.find("#alert")).to_contain_text(said)
    for one in sessions(daemon):  # none silences another
        expect(visitor.find("#announce")).to_contain_text(one["id"])  # type: ignore[arg-type]
    visitor.shoot("stopped-everything")
    visitor.page.click("#panic")
    expect(visitor.find("#alert")).to_contain_text("nothing to stop")


def test_all_of_it_works_from_the_keyboard(daemon: Daemon, visitor: Visitor) -> None:
    """Some people have no mouse, and players have both hands on a pad."""
    needs_preload()
    page = visitor.come_in()
    page.reload()  # so that the focus is where a new page has it
    visitor.find("#first-run:visible, #player:visible").first.wait_for()
    page.keyboard.press("Tab")
    expect(visitor.find(".skip")).to_be_focused()
    go_to(visitor, "nav a[data-view=new]")
    page.keyboard.press("Enter")
    expect(visitor.find("#title-new")).to_be_focused()
    visitor.find("input[value='launch:runner']").wait_for()
    go_to(visitor, "input[name=game]")
    while not visitor.find("input[value='launch:runner']").is_checked():
        page.keyboard.press("ArrowDown")
    go_to(visitor, "#headless")
    page.keyboard.press("Space")
    go_to(visitor, "#start")
    page.keyboard.press("Enter")
    expect(visitor.find(STATE)).to_contain_text("AI plays")
    go_to(visitor, "#autoplay")
    page.keyboard.press("Space")
    expect(visitor.find("#who")).to_have_text("HUMAN")
    go_to(visitor, "#panic")
    page.keyboard.press("Enter")
    expect(visitor.find("#alert")).to_contain_text("nothing to stop")  # it was paused by hand
    go_to(visitor, "#end")
    page.keyboard.press("Enter")
    expect(visitor.find(STATE)).to_contain_text("ended")


def go_to(visitor: Visitor, selector: str) -> None:
    """Press Tab until one of these has the focus, and see that it shows."""
    for _ in range(80):
        if visitor.page.evaluate("s => document.activeElement.matches(s)", selector):
            outline = "s => getComputedStyle(document.activeElement).outlineStyle"
            assert visitor.page.evaluate(outline, selector) != "none"
            return
        visitor.page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not get to {selector}")


def test_what_cannot_be_done_is_said_with_the_way_out(visitor: Visitor) -> None:
    """Nothing chosen, and a checkpoint that is not there."""
    visitor.come_in()
    visitor.page.click("nav >> text=New game")
    visitor.page.click("#start")
    expect(visitor.find("#start-note")).to_contain_text("first")
    visitor.page.check("input[value='launch:runner']")
    visitor.page.fill("#policy", "/nowhere/ng.pt")
    visitor.page.click("#start")
    expect(visitor.find("#alert")).to_contain_text("/nowhere/ng.pt")
    visitor.forgive("Failed to load resource")
    visitor.page.click("text=Dismiss")
    expect(visitor.find("#alert")).to_be_hidden()


def test_the_form_changes_only_what_was_touched(daemon: Daemon, visitor: Visitor) -> None:
    """Settings say how to play; a form that sends its own defaults makes them mean nothing."""
    needs_preload()
    settings = {"play": {"mode": "paused", "autoplay": False, "allow": ["back", "start"]},
                "recording": {"record": True}}  # fmt: skip
    daemon.client.patch("/api/v1/settings", json=settings)
    try:
        visitor.come_in()
        visitor.page.click("nav >> text=New game")
        expect(visitor.find("#mode")).to_have_value("paused")
        expect(visitor.find("#autostart")).not_to_be_checked()
        for box in ("#record", "#allow-start"):
            expect(visitor.find(box)).to_be_checked()
        visitor.shoot("new-as-set", full_page=True)
        visitor.page.check("input[value='launch:runner']")
        visitor.page.check("#headless")
        assert body_of(visitor) == {"launch": "runner", "headless": True}
        expect(visitor.find(STATE)).to_contain_text("paused")
        (session,) = sessions(daemon)
        assert session["mode"] == "paused"
        assert session["recording"]["enabled"]  # type: ignore[index]
        visitor.page.click("nav >> text=New game")
        for box in ("#record", "#allow-start"):
            visitor.page.uncheck(box)
        touched = {"record": False, "allow": ["back"], "launch": "runner", "headless": True}
        assert body_of(visitor) == touched
        until(lambda: len(sessions(daemon)) == 2, "the second")
    finally:
        nothing = {"mode": None, "autoplay": None, "allow": None}
        daemon.client.patch(
            "/api/v1/settings", json={"play": nothing, "recording": {"record": None}}
        )


def body_of(visitor: Visitor) -> object:
    """Start the game; what the page asked for."""
    with visitor.page.expect_request(
        lambda request: request.method == "POST" and request.url.endswith("/api/v1/sessions")
    ) as asked:
        visitor.page.click("#start")
    return asked.value.post_data_json


def test_the_engine_that_runs_is_named(daemon: Daemon, visitor: Visitor) -> None:
    """A daemon that was told to take torch must not be said to take the fastest."""
    visitor.come_in()
    visitor.page.click("nav >> text=New game")
    expect(visitor.find("#engine-note")).to_contain_text("torch on cpu")
    expect(visitor.find("#engine-note")).to_contain_text("asked for")
    expect(visitor.find("#engine-note")).not_to_contain_text("fastest")


def test_every_known_game_can_be_chosen(visitor: Visitor) -> None:
    """The page must not have a list of its own that goes out of date."""
    visitor.come_in()
    visitor.page.click("nav >> text=New game")
    found = [box.get_attribute("value") for box in visitor.find("#known input").all()]
    assert found == [f"launch:{name}" for name in sorted(KNOWN_GAMES)]


def test_a_name_cannot_become_markup(daemon: Daemon, visitor: Visitor) -> None:
    """A window's title and a token's name come from others."""
    name = "<img src=x onerror=alert(1)>"
    daemon.client.post("/api/v1/tokens", json={"name": name, "scope": "overlay"})
    visitor.come_in()
    visitor.page.click("nav >> text=Access")
    expect(visitor.find("#tokens td").first).to_have_text(name)
    expect(visitor.find("#tokens img")).to_have_count(0)


def test_the_chosen_colours_stay(visit: Visit) -> None:
    """The switch beats the system, on this and on the next visit."""
    visitor = visit(scheme="dark")
    visitor.come_in()

    def ground() -> str:
        colour: str = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    dark = ground()
    visitor.page.select_option("#theme", "light")
    light = ground()
    assert light != dark
    visitor.page.reload()
    visitor.find("#first-run:visible, #player:visible").first.wait_for()
    assert ground() == light
    visitor.page.select_option("#theme", "system")
    assert ground() == dark


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_view_is_usable_by_all(
    daemon: Daemon, visit: Visit, size: tuple[int, int], scheme: str
) -> None:
    """No grave fault for axe, nothing wider than the window, nothing broken."""
    needs_preload()
    daemon.client.post("/api/v1/tokens", json={"name": "a token", "scope": "deck"})
    session = daemon.playing(launch="runner", headless=True)
    visitor = visit(size, scheme)
    visitor.come_in()
    for view in ("play", "new", "recordings", "access"):
        visitor.page.click(f"nav a[data-view={view}]")
        visitor.find(f"#view-{view}").wait_for()
        if view == "access":
            visitor.find("#tokens tr td").first.wait_for()
        assert visitor.faults() == [], view
        wide = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], f"{view} is {wide} wide"
        visitor.shoot(f"{view}-{scheme}-{size[0]}", full_page=True)
    visitor.page.click("nav a[data-view=play]")
    for control in ("#panic", "#autoplay"):
        box = visitor.find(control).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= size[1], f"{control} has to be scrolled to"
    daemon.client.delete(f"/api/v1/sessions/{session['id']}")


def test_a_recording_is_played_back_and_deleted(daemon: Daemon, visitor: Visitor) -> None:
    """What was recorded is seen where it was asked for, and is gone when that is asked for."""
    needs_preload()
    visitor.come_in()
    visitor.page.click("nav >> text=New game")
    visitor.page.check("input[value='launch:runner']")
    visitor.page.check("#headless")
    visitor.page.check("#record")
    visitor.page.click("#start")
    expect(visitor.find("#record-now")).to_have_attribute("aria-checked", "true")
    until(lambda: sessions(daemon)[0]["recording"]["frames"] > 30, "frames")  # type: ignore[index]
    visitor.page.click("#end")
    expect(visitor.find(STATE)).to_contain_text("ended")
    visitor.page.click("nav >> text=Recordings")
    visitor.page.click("#recordings >> text=Play")
    played = "() => document.querySelector('video')?.currentTime > 0.1"
    visitor.page.wait_for_function(played)
    assert visitor.faults() == []
    delete = visitor.find("#recordings .danger-quiet")
    delete.click()
    expect(delete).to_have_text("Delete for ever?")
    delete.click()
    expect(visitor.find("#recordings li")).to_have_count(0)
    assert daemon.client.get("/api/v1/recordings").json()["recordings"] == []
