"""The import graph of the rooms, read from their sources; nothing is imported."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.support.places import ROOT

ROOMS: dict[str, set[str]] = {
    "nitropilot": set(),
    "records": set(),
    "capture": set(),
    "controller": set(),
    "policy": set(),
    "engines": {"policy"},
    "agent": {"records", "capture", "controller", "policy", "engines"},
    "simulator": {"records", "agent", "capture", "controller", "policy", "engines"},
    "training": {"records", "policy"},
    "pocket": {"policy", "controller", "simulator", "training"},
    "dataset": {"records"},
    "server": {
        "records", "agent", "capture", "controller", "policy", "engines", "simulator", "training",
        "dataset",
    },
}  # fmt: skip
"""Which rooms a room may import, besides itself and ``nitropilot``."""

SHARED = {
    f"nitropilot.{name}"
    for name in (
        "errors", "version", "calls", "children", "clusters", "mailbox", "page", "places", "texts",
    )
}  # fmt: skip
"""What rooms may import of ``nitropilot`` itself; its face looks up to the rooms."""

Graph = dict[str, set[str]]


def files(room: str, *kinds: str) -> list[Path]:
    """A room's files of these kinds, relative to the root."""
    found = (path for kind in kinds for path in (ROOT / room).rglob(f"*.{kind}"))
    return sorted(path.relative_to(ROOT) for path in found if "__pycache__" not in path.parts)


def module_name(path: Path) -> str:
    """What a file is imported as, without ``nitropilot.`` before its room."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imported_names(path: Path) -> set[str]:
    """All that a file imports anywhere, type-checking blocks included; names, not only modules."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and node.level == 0, f"{path}: relative imports hide where they go"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def graph() -> Graph:
    """Which module of ours imports which, by names as ``module_name`` gives them."""
    paths = {module_name(path): path for room in ROOMS for path in files(room, "py")}
    return {name: _known(imported_names(path), paths) for name, path in paths.items()}


def _known(names: set[str], paths: dict[str, Path]) -> set[str]:
    found = set()
    for name in names:
        if name.split(".")[0] != "nitropilot":
            continue
        inside = name.removeprefix("nitropilot.")
        for candidate in (inside, inside.rpartition(".")[0], name, name.rpartition(".")[0]):
            if candidate in paths:
                found.add(candidate)
                break
    return found


def circles(edges: Graph) -> list[set[str]]:
    """Groups of modules that import each other, however far round (Tarjan's components)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        index[node] = lowest[node] = len(index)
        stack.append(node)
        for other in edges[node]:
            if other not in index:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == index[node]:
            place = stack.index(node)
            if len(stack) - place > 1:
                found.append(set(stack[place:]))
            del stack[place:]

    for node in edges:
        if node not in index:
            visit(node)
    return found
