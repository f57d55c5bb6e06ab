"""Suites: few files in a folder, arrows down only, no circles between them."""

from __future__ import annotations

import subprocess
from collections import Counter
from functools import cache
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
    inside = {name for name in graph() if name.startswith(f"{place}.")}
    wrong = [
        f"{module} imports {other}"
        for module in inside
        for other in graph()[module] & inside
        if not may_import(part(module, place), part(other, place), place)
    ]
    assert sorted(wrong) == []


def may_import(one: str, other: str, place: str) -> bool:
    """Within a suite, or downwards; modules at the top of a room also beside them."""
    heights = steps(place)
    suites = {each for each in (one, other) if f"{place}.{each}" in packages()}
    level = heights[other] == heights[one] and not suites
    return one == other or heights[other] < heights[one] or level


@cache
def packages() -> set[str]:
    """The modules that are folders."""
    return {name.rpartition(".")[0] for name in graph()} - {""}


def suite_of(module: str) -> str:
    """Where a module lives: in its folder, a folder's ``__init__`` in that folder."""
    return module if module in packages() else module.rpartition(".")[0]


def test_no_circle_leaves_its_suite() -> None:
    """Files that need each other belong together; across suites nothing could be moved alone."""
    edges = {name: others - {name} for name, others in graph().items()}
    for face in ("nitropilot", "nitropilot.__main__"):
        edges[face] = set()  # they look up, on demand; nobody below looks at them
    across = [circle for circle in circles(edges) if len({suite_of(name) for name in circle}) > 1]
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


def test_tests_lie_where_what_they_test_lies() -> None:
    """Who changes a suite looks for its tests in the folder of the same name."""
    strangers = [
        str(folder.relative_to(ROOT))
        for room in ROOMS
        for folder in (ROOT / "tests" / room).glob("*/")
        if any(folder.glob("test_*.py")) and not (ROOT / room / folder.name).is_dir()
    ]
    assert strangers == []
