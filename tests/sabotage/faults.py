"""The lists of faults: read, and held against the sources."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LISTS = "tests/sabotage"


class ListError(ValueError):
    """A list is not what it may be."""


@dataclass(frozen=True)
class Fault:
    """One way to break the program.

    Attributes:
        name: What is broken; of its own.
        file: Where, relative to the root.
        old: The text that is replaced; occurs once.
        new: By what.
        caught_by: The test that fails then, as pytest names it.
    """

    name: str
    file: str
    old: str
    new: str
    caught_by: str


def read_faults(root: Path) -> list[Fault]:
    """The rows of all lists of a checkout, list by list.

    Raises:
        ListError: A list cannot be read, or a row has other fields.
    """
    found = []
    for path in sorted((root / LISTS).glob("*.toml")):
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
            rows = data.pop("fault")
            found += [Fault(**row) for row in rows]
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise ListError(f"{path.name} cannot be read: {error}") from error
        if data:
            raise ListError(f"{path.name} has {sorted(data)[0]!r}, which nobody reads")
    return found


def mistakes(faults: Iterable[Fault], root: Path) -> list[str]:
    """What is wrong with the rows, one line each; nothing is run for that."""
    rows = list(faults)
    twice = [name for name, count in Counter(row.name for row in rows).items() if count > 1]
    found = [f"two rows have the name {name!r}" for name in twice]
    for row in rows:
        found += [f"{row.name}: {why}" for why in (_of_text(row, root), _of_test(row, root)) if why]
    return found


def broken(fault: Fault, root: Path) -> str:
    """The whole text of the fault's file with the fault in it.

    Raises:
        ListError: The file is not there, or the text is not there exactly once, or the outcome
            is no Python, which any test would notice.
    """
    path = root / fault.file
    if not path.is_file():
        raise ListError(f"there is no file {fault.file}")
    text = path.read_text(encoding="utf-8")
    if (count := text.count(fault.old) if fault.old else 0) != 1:
        raise ListError(f"{fault.old!r} is {count} times in {fault.file}, not once")
    changed = text.replace(fault.old, fault.new)
    if changed == text:
        raise ListError("old and new are the same")
    if path.suffix == ".py":
        try:
            ast.parse(changed)
        except SyntaxError as error:
            raise ListError(f"{fault.file} is no Python any more: {error}") from error
    return changed


def _of_text(fault: Fault, root: Path) -> str:
    try:
        broken(fault, root)
    except ListError as error:
        return str(error)
    return ""


def _of_test(fault: Fault, root: Path) -> str:
    """Whether the test is there, by its file's text: to collect them all takes many seconds."""
    file, *names = fault.caught_by.split("::")
    path = root / file
    if not path.name.startswith("test_") or not path.is_file() or not names:
        return f"there is no test {fault.caught_by}"
    body: list[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    for name in names:
        bare = name.partition("[")[0]
        nodes = [n for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
        node = next((one for one in nodes if one.name == bare), None)
        if node is None:
            return f"{file} has no {bare}"
        if any("slow" in ast.unparse(mark) for mark in node.decorator_list):
            return f"{fault.caught_by} is slow, and is not run"
        body = node.body
    return "" if isinstance(node, ast.FunctionDef) else f"{fault.caught_by} is no test"
