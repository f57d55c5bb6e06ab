"""Learning from recordings on the page: the estimate first, then the job, then accept and back."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nitropilot.server.improving.history import HistoryStore
from nitropilot.server.improving.known import Candidate
from tests.browser.visitor import PATIENCE_MS
from tests.training.making import recording, small_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.visitor import Visitor
    from tests.server.processes import Daemon

pytestmark = pytest.mark.long

expect.set_options(timeout=PATIENCE_MS)
NOTE = "#learn-note"
OLD = "0" * 64
JOB_MS = 10 * PATIENCE_MS
"""A job is a process of its own that loads all that training needs."""


@pytest.fixture
def taught(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon, with a recording in which somebody took over; gone with the test."""
    data = daemon.home / "data"
    said = ["agent"] * 15 + ["human"] * 15
    folder = recording(data / "recordings", 0, 30, sources=said, policy=OLD)
    small_policy(daemon.home / "small.safetensors")
    yield daemon
    shutil.rmtree(folder)
    (data / "improved.json").unlink()


def offer(daemon: Daemon) -> None:
    """What an improvement writes at its end."""
    old, new = daemon.home / "small.safetensors", daemon.home / "new.safetensors"
    shutil.copyfile(old, new)
    HistoryStore(daemon.home / "data" / "improved.json").offer(
        "squares",
        Candidate(
            policy=str(new), fingerprint="1" * 64, came_from=str(old), before=OLD, made="now",
            verdict="offered", found="nothing measures this game here: play with both in turn",
        ),
    )  # fmt: skip


def test_a_policy_learns_from_what_was_corrected(taught: Daemon, visitor: Visitor) -> None:
    """Nothing begins before its time is said, and nothing plays before it is accepted."""
    offer(taught)
    visitor.come_in()
    visitor.page.click("nav >> text=Recordings")
    expect(visitor.find("#learn-game")).to_have_value("squares")
    entry = visitor.find("#improvements li")
    expect(entry).to_contain_text("1 takeovers in 0.0 min")
    expect(entry).to_contain_text("proposed: play 5.0 min more with the old one")
    expect(entry.get_by_text("Back")).to_be_disabled()
    entry.get_by_text("Accept").click()
    expect(entry).to_contain_text("plays now: new.safetensors")
    expect(visitor.find("#learn-policy")).to_have_value(str(taught.home / "new.safetensors"))
    assert visitor.faults() == []
    visitor.shoot("learning", full_page=True)
    entry.get_by_text("Back").click()
    expect(entry).to_contain_text("plays now: small.safetensors")

    visitor.page.fill("#learn-minutes", "100")
    visitor.page.click("text=Learn from my corrections")
    expect(visitor.find("#learn-corrections")).to_be_disabled()
    expect(visitor.find(NOTE)).to_contain_text("1 takeovers: about 100.", timeout=JOB_MS)
    jobs = taught.client.get("/api/v1/jobs").json()
    assert [job["request"]["estimate"] for job in jobs] == [True]
    visitor.shoot("learning-estimate", full_page=True)
    visitor.page.fill("#learn-minutes", "50")
    expect(visitor.find("#learn-go")).to_be_hidden()  # it would begin what the form does not say
    visitor.page.fill("#learn-minutes", "100")
    visitor.page.click("text=Learn from my corrections")
    expect(visitor.find("#learn-go")).to_be_visible(timeout=JOB_MS)
    visitor.page.click("#learn-go")
    expect(visitor.find("#learn-progress")).to_be_visible()
    visitor.page.click("#learn-cancel")
    expect(visitor.find(NOTE)).to_contain_text("Cancelled; nothing was changed")
    last = taught.client.get("/api/v1/jobs").json()[-1]
    assert (last["state"], last["request"]["learn"]) == ("cancelled", "corrections")
    assert (last["request"]["estimate"], last["request"]["minutes"]) == (False, 100.0)
