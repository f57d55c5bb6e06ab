"""Learning from recordings on the page: the estimate first, then the job, then accept and back."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import PATIENCE_MS
from tests.server.processes import until
from tests.training.making import recording, small_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.visitor import Visitor
    from tests.server.processes import Daemon

pytestmark = pytest.mark.long

expect.set_options(timeout=PATIENCE_MS)
NOTE = "#learn-note"


@pytest.fixture
def taught(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon, with a recording in which somebody took over; gone with the test."""
    root = daemon.home / "data" / "recordings"
    folder = recording(root, 0, 30, sources=["agent"] * 15 + ["human"] * 15, policy="0" * 64)
    small_policy(daemon.home / "small.safetensors")
    yield daemon
    shutil.rmtree(folder)


def test_a_policy_learns_from_what_was_corrected(taught: Daemon, visitor: Visitor) -> None:
    """Nothing begins before its time is said, and nothing plays before it is accepted."""
    policy = str(taught.home / "small.safetensors")
    visitor.come_in()
    visitor.page.click("nav >> text=Recordings")
    expect(visitor.find("#learn-game")).to_have_value("squares")
    visitor.page.fill("#learn-policy", policy)
    visitor.page.fill("#learn-minutes", "0.00001")
    visitor.page.click("text=Learn from my corrections")
    expect(visitor.find(NOTE)).to_contain_text("teach nothing")
    expect(visitor.find("#learn-go")).to_be_hidden()
    visitor.page.fill("#learn-minutes", "100")
    visitor.page.click("text=Learn from my corrections")
    expect(visitor.find(NOTE)).to_contain_text("1 recordings, 1 takeovers: about 100.")
    assert visitor.faults() == []
    visitor.shoot("learning-estimate", full_page=True)
    visitor.page.click("#learn-go")
    expect(visitor.find("#learn-progress")).to_be_visible()
    expect(visitor.find("#learn-corrections")).to_be_disabled()
    visitor.page.click("#learn-cancel")
    expect(visitor.find(NOTE)).to_contain_text("Cancelled; nothing was changed")
    expect(visitor.find("#improvements li")).to_have_count(0)

    job = taught.client.post("/api/v1/jobs", json={
        "kind": "improve", "game": "squares", "policy": policy, "steps": 2, "batch_size": 2,
    }).json()  # fmt: skip
    path = f"/api/v1/jobs/{job['id']}"
    until(lambda: taught.client.get(path).json()["state"] == "done", "the job")
    visitor.page.click("#refresh-recordings")
    entry = visitor.find("#improvements li")
    expect(entry).to_contain_text("play 5.0 min more with the old one")
    expect(entry.get_by_text("Back")).to_be_disabled()
    entry.get_by_text("Accept").click()
    expect(entry).to_contain_text(f"plays now: {job_file(taught)}")
    expect(visitor.find("#learn-policy")).to_have_value(taught_policy(taught))
    assert visitor.faults() == []
    visitor.shoot("learning", full_page=True)
    entry.get_by_text("Back").click()
    expect(entry).to_contain_text("plays now: small.safetensors")


def taught_policy(daemon: Daemon) -> str:
    """What plays the game now."""
    return str(daemon.client.get("/api/v1/improvements").json()[0]["used"])


def job_file(daemon: Daemon) -> str:
    """The name of the file that was made."""
    made = daemon.client.get("/api/v1/improvements").json()[0]["candidates"][-1]["policy"]
    return str(made).rsplit("/", 1)[-1]
