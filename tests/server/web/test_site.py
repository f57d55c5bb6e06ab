"""The pages' files: what is served, how, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nitropilot.server.http.headers import ALWAYS
from nitropilot.server.pages.files import ASSETS, PAGES, PUBLIC_FILES
from nitropilot.server.web.site import FOLDER, TYPES
from tests.support import http

if TYPE_CHECKING:
    from tests.server.processes import Daemon

OUTSIDE = re.compile(r"""https?://(?!www\.w3\.org/)|@import|url\((?!#)""")
INLINE = re.compile(r"""<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=["']|javascript:""")


def test_the_list_is_what_is_there() -> None:
    """A file that is not listed is not served; one that is not there stops the daemon."""
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*")}
    there = {name for name in there if not name.endswith((".py", ".pyc"))}
    assert {*ASSETS, *PAGES.values(), "dashboard/dashboard.html"} == there


@pytest.mark.parametrize("path", sorted(PUBLIC_FILES))
def test_every_file_is_served_as_what_it_is(daemon: Daemon, path: str) -> None:
    """Under nosniff a browser runs nothing that has the wrong type."""
    answer = http.get(daemon.url + path)
    assert answer.status_code == 200
    name = PAGES.get(path, path.removeprefix("/pages/"))
    assert answer.content == (FOLDER / name).read_bytes()
    assert answer.headers["Content-Type"] == TYPES["." + name.rsplit(".", 1)[-1]]
    assert answer.headers["Cache-Control"] == "no-cache"
    for header, value in ALWAYS.items():
        assert answer.headers[header] == value
    assert "set-cookie" not in answer.headers


def test_a_file_that_is_known_is_not_sent_again(daemon: Daemon) -> None:
    """Weak or strong or among others; and a changed one is."""
    etag = http.get(daemon.url + "/pages/shared/pad.js").headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        answer = http.get(daemon.url + "/pages/shared/pad.js", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == etag
    for other in ('"other"', "", etag.strip('"')):
        answer = http.get(daemon.url + "/pages/shared/pad.js", headers={"If-None-Match": other})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/pages/", "/pages", "/pages/shared", "/pages/dashboard/dashboard.html", "/pages/files.py",
        "/pages/../web/site.py", "/pages/..%2fweb/site.py", "/pages/%2e%2e/web/site.py",
        "/pages/..%5cweb%5csite.py", "/pages/shared/..%2ffiles.py", "/pages/shared/pad.js/",
        "/pages/shared/pad.js%00.css", "/pages/shared//pad.js", "/pages/shared/PAD.JS",
        "/pages/pad.js", "/overlay/", "/overlay.html", "/pages/overlay/overlay.html",
    ],
)  # fmt: skip
def test_nothing_else_is_served(daemon: Daemon, path: str) -> None:
    """No part of a request becomes a file's name; who has a token gets 404, others 401."""
    assert http.get(daemon.url + path).status_code == 401
    assert daemon.client.get(path).status_code == 404


def test_the_dashboard_is_for_an_admins_browser_only(daemon: Daemon) -> None:
    """Programs and strangers get the plain page; no copy of the dashboard is kept."""
    link = daemon.client.post("/api/v1/auth/codes").json()["url"]
    with http.Client(base_url=daemon.url) as browser:
        assert "dashboard.js" not in browser.get("/").text
        browser.get(link)
        answer = browser.get("/")
        assert "dashboard.js" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        foreign = browser.get("/", headers={"Sec-Fetch-Site": "same-site"})
        assert "dashboard.js" not in foreign.text
    assert "dashboard.js" not in daemon.client.get("/").text


@pytest.mark.parametrize("name", sorted({*ASSETS, *PAGES.values(), "dashboard/dashboard.html"}))
def test_no_file_needs_another_place_or_inline_code(name: str) -> None:
    """The pages work offline, and under a policy without exceptions."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert not OUTSIDE.search(text)
    if name.endswith(".html"):
        assert not INLINE.search(text)
    assert "innerHTML" not in text
    assert "insertAdjacentHTML" not in text
    assert len(text.splitlines()) <= 300
