"""Suites: few files in a folder, arrows down only, no circles between them."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

from tests.house.imports import ROOMS, circles, graph, imported_names
from tests.house.suites import SUITES, part, parts, steps
from tests.support.places import ROOT

MOST_FILES = 15
CODE = {".py", ".c", ".h", ".js", ".css", ".html", ".svg"}


def tracked() -> list[str]:
    """What git knows, or would know after ``git add``."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in names.splitlines() if (ROOT / name).is_file()]


def test_no_folder_is_a_long_corridor() -> None:
    """Among forty doors nobody finds the one he looks for."""
    count = Counter(
        str(path.parent)
        for path in map(PurePosixPath, tracked())
        if path.suffix in CODE and path.parts[0] != "docs"
    )
    assert count, "git lists no files"
    assert {folder: n for folder, n in count.items() if n > MOST_FILES} == {}


@pytest.mark.parametrize("place", SUITES)
def test_the_list_of_suites_is_complete(place: str) -> None:
    """A suite that is not in the list may import whatever it likes."""
    assert parts(place) == set(steps(place))


@pytest.mark.parametrize("place", SUITES)
def test_arrows_between_suites_point_down(place: str) -> None:
    """A low suite that imports a high one cannot be understood without it."""
    heights = steps(place)
    inside = {name for name in graph() if name.startswith(f"{place}.")}
    wrong = [
        f"{module} imports {other}"
        for module in inside
        for other in graph()[module] & inside
        if heights[part(other, place)] > heights[part(module, place)]
    ]
    assert sorted(wrong) == []


def suite_of(module: str) -> str:
    """Where a module lives: its folder, or the top of its room."""
    return module.rpartition(".")[0] if module.count(".") > 1 else module.split(".")[0]


def test_no_circle_leaves_its_suite() -> None:
    """Files that need each other belong together; across suites nothing could be moved alone."""
    inner = {
        name: {other for other in others if name in graph() and other != name}
        for name, others in graph().items()
        if "." in name
    }
    inner = {name: others & inner.keys() for name, others in inner.items()}
    across = [circle for circle in circles(inner) if len({suite_of(name) for name in circle}) > 1]
    assert across == []


def test_a_circle_is_found() -> None:
    """A judge who sees none in a graph that has one makes the test above worthless."""
    edges = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": set()}
    assert circles(edges) == [{"a", "b", "c"}]


def test_rooms_are_imported_by_their_one_name() -> None:
    """``import agent`` works in a checkout only, or finds a file of the user's own."""
    bare = ROOMS.keys() - {"nitropilot"}
    wrong = {
        name: found
        for name in tracked()
        if name.endswith(".py")
        and (found := {n for n in imported_names(Path(name)) if n.split(".")[0] in bare})
    }
    assert wrong == {}


def test_the_pages_share_downwards() -> None:
    """The overlay must load without the dashboard, and both stand on what they share."""
    pages = ROOT / "server" / "pages"
    for name, others in (("shared", ("dashboard", "overlay")), ("overlay", ("dashboard",))):
        for path in (pages / name).iterdir():
            text = path.read_text(encoding="utf-8")
            assert not [other for other in others if f"/{other}/" in text], path
