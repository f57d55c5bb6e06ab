"""Real plays are fed back through the whole program; what comes of them must be what it was.

``CONTRIBUTING.md`` says when the expectations may be changed, and how.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.golden import expected, mutations
from tests.golden.normal import difference
from tests.golden.overlay import browser, find_browser
from tests.golden.scenarios import SCENARIOS
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not hasattr(os, "fork"), reason="each play is fed back in a fork of one process"
    ),
]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All plays, fed back twice."""
    folder = tmp_path_factory.mktemp("golden")
    expected.fed_back(folder, 2)
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser that shows the overlay."""
    if find_browser() is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")
    with browser() as one:
        yield one


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_chunks_are_those_expected(played: Path, name: str) -> None:
    """A network, a sampler or a picture that is only a little wrong plays worse, and runs."""
    why = expected.compare(played / "0" / name, name, "chunks")
    assert not why, f"{name}: {why}"


@pytest.mark.parametrize("part", expected.PARTS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_sent_written_told_and_drawn_is_what_is_expected(
    played: Path, name: str, part: str
) -> None:
    """A change that was meant to change nothing changes a time, a state, a name or a rounding."""
    why = expected.compare(played / "0" / name, name, part)
    assert not why, f"{name}: {why}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_play_twice_is_the_same(played: Path, name: str) -> None:
    """A harness that differs from itself finds faults that are not there."""
    first, second = (played / number / name for number in ("0", "1"))
    texts = [(one / "outcome.json").read_text(encoding="utf-8") for one in (first, second)]
    assert difference(json.loads(texts[0]), json.loads(texts[1])) == ""
    assert (first / "chunks.npz").read_bytes() == (second / "chunks.npz").read_bytes()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_overlay_shows_what_it_showed(played: Path, chromium: Browser, name: str) -> None:
    """A page that no longer understands an event draws a pad at rest for ever."""
    why = expected.compare_overlay(chromium, played / "0" / name, name)
    assert not why, f"{name}: {why}"


@pytest.mark.parametrize(
    ("wanted", "found", "place"),
    [
        ({"a": 1}, {}, "a is missing"),
        ({}, {"a": 1}, "a is new"),
        ([{"a": [1, 2]}], [{"a": [1, 3]}], "[0].a[1]"),
        ([1], [1, 2], "1 expected, 2 found"),
        ([1, 2], [1], "2 expected, 1 found"),
        (1, True, "expected 1"),
        (0, None, "expected 0"),
        (0.5, "0.5", "expected 0.5"),
        (1.0, 1.00000001, "expected 1.0"),
        ({"seen": [0.5]}, {"seen": [0.51]}, "seen[0]"),
        ({"grid": [100]}, {"grid": [103]}, "grid[0]"),
    ],
)
def test_every_kind_of_difference_is_seen(wanted: Any, found: Any, place: str) -> None:
    """A comparison that overlooks something makes all of these tests worth nothing."""
    assert difference(wanted, wanted) == ""
    assert place in difference(wanted, found)


def test_every_mutation_has_its_place() -> None:
    """One whose text has been rewritten breaks nothing, and the proof that takes long is void."""
    texts = mutations.sources(ROOT)
    for mutation in mutations.MUTATIONS:
        mutations.place_of(mutation, texts)
