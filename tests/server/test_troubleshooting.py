"""docs/troubleshooting.md has every error code and close code of the program, and no other."""

from __future__ import annotations

import ast
import re
from itertools import chain
from typing import TYPE_CHECKING

from nitropilot import NitroPilotError
from nitropilot.server.daemon.app import HTTP_CODES, STATUS
from nitropilot.server.events.messages import CloseCode
from tests.house.imports import ROOMS, files
from tests.server.processes import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
ANSWERS = {"error_answer", "_error", "_raw", "too_many"}
"""Functions that answer with an error; each takes the code as its only text of that form."""
CODE = re.compile(r"[a-z]+(_[a-z]+)*")
SHORTEST = 4
"""Letters that a part of a quoted message needs to be looked for."""


def trees() -> Iterator[ast.Module]:
    """All modules of the rooms."""
    for room in ROOMS:
        for path in files(room, "py"):
            yield ast.parse((ROOT / path).read_text(encoding="utf-8"))


def texts(node: ast.AST) -> Iterator[str]:
    """All texts in a piece of code; those of an f-string without what is put in."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def called(node: ast.Call) -> str:
    """The name of what is called."""
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def codes_of(tree: ast.Module) -> Iterator[str]:
    """The codes of the errors that a module defines, answers with, or ends a session with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from chain.from_iterable(
                texts(line.value)
                for line in node.body
                if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code"
            )
        elif isinstance(node, ast.Call) and called(node) in ANSWERS:
            yield from (text for text in map_texts(node.args[:2]) if CODE.fullmatch(text))
        elif isinstance(node, ast.Call) and called(node) == "End":
            yield from map_texts(node.args[:1])
        elif isinstance(node, ast.Dict):
            yield from (
                text
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and key.value == "code"
                for text in map_texts([value])
            )


def map_texts(nodes: list[ast.expr]) -> Iterator[str]:
    """The texts among arguments."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def program_codes() -> set[str]:
    """Every code that a user can meet."""
    found = set(chain.from_iterable(codes_of(tree) for tree in trees()))
    return found | set(HTTP_CODES.values()) | {"bad_request"}


def rows() -> Iterator[tuple[str, str]]:
    """First two cells of the page's rows."""
    for line in PAGE.splitlines():
        if line.startswith("| "):
            first, second = (cell.strip() for cell in line.strip("|").split("|")[:2])
            yield first, second


def page_codes() -> list[str]:
    """The codes in the page's first columns."""
    return [code for first, _ in rows() for code in re.findall(r"`([a-z_]+)`", first)]


def test_every_code_is_on_the_page() -> None:
    """Who searches the page for what the program said must find it."""
    assert program_codes() - set(page_codes()) == set()


def test_the_page_has_no_code_that_is_gone() -> None:
    """Help for what can no longer happen hides the rest."""
    assert set(page_codes()) - program_codes() == set()


def test_no_code_is_explained_twice() -> None:
    """Two explanations drift apart."""
    codes = page_codes()
    assert {code for code in codes if codes.count(code) > 1} == set()


def test_the_codes_were_really_collected() -> None:
    """A collector that finds nothing would let any page pass."""
    kinds = [NitroPilotError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    codes = {kind.code for kind in kinds if kind.__module__.startswith("nitropilot.")}
    assert codes <= program_codes()
    assert set(STATUS) <= program_codes()
    assert {
        "unauthorized",
        "too_many_clients",
        "too_many_connections",
        "stopped",
    } <= program_codes()


def test_close_codes_are_on_the_page() -> None:
    """The overlay closes with them, and scripts print nothing else."""
    said = {int(code) for first, _ in rows() for code in re.findall(r"\b[14]\d{3}\b", first)}
    assert {int(code) for code in CloseCode} <= said
    assert {code for code in said if code >= 4000} <= {int(code) for code in CloseCode}


def test_the_messages_are_those_of_the_program() -> None:
    """Nobody finds a message that is worded in another way than it is printed."""
    said = list(chain.from_iterable(texts(tree) for tree in trees()))
    for kind in ("html", "js"):
        for path in sorted((ROOT / "server" / "pages").rglob(f"*.{kind}")):
            said.append(path.read_text(encoding="utf-8"))
    everything = "\n".join(said)
    quoted = [text for _, second in rows() for text in re.findall(r"“([^”]+)”", second)]
    parts = [part.strip() for text in quoted for part in text.split("…")]
    missing = [part for part in parts if len(part) >= SHORTEST and part not in everything]
    assert len(quoted) > 100
    assert missing == []
