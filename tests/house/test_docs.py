"""Links and pictures of the pages that people read first."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.places import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
LARGEST = 150_000
"""Bytes of a picture."""


def prose(page: Path) -> str:
    """A page without its blocks and snippets of code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda found: "x" * len(found[0]), text)


def links(page: Path) -> list[tuple[str, str]]:
    """("!" for pictures, target) of every relative link."""
    return [(mark, to) for mark, to in LINK.findall(prose(page)) if "://" not in to]


@cache
def anchors(page: Path) -> set[str]:
    """What may stand behind # in a link to a page: its headings, as forges spell them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", text, re.M):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (unique := f"{name}-{number}" if number else name) in found:
            number += 1
        found.add(unique)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A reader who follows a link must not end at an error page."""
    broken = []
    for _, to in links(page):
        path, _, anchor = to.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(to)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pictures_are_said_in_words(page: Path) -> None:
    """Who does not see a picture reads its text."""
    assert re.findall(r"!\[\s*\]\([^)]*\)", prose(page)) == []


def test_every_page_is_linked_from_the_front() -> None:
    """A page that nothing leads to is not read."""
    front = {to.partition("#")[0] for _, to in links(ROOT / "README.md")}
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages - front == set()


def test_every_picture_is_used_and_small() -> None:
    """A forgotten picture shows a program of last year; a large one makes everybody wait."""
    there = set((ROOT / "docs" / "images").iterdir())
    used = {(page.parent / to).resolve() for page in PAGES for mark, to in links(page) if mark}
    assert there - used == set()
    assert {path.name for path in there if path.stat().st_size >= LARGEST} == set()


def test_links_and_anchors_are_really_found() -> None:
    """A pattern that finds nothing would let any page pass."""
    assert sum(len(links(page)) for page in PAGES) > 50
    assert "real-time-mode" in anchors(ROOT / "docs" / "architecture.md")
