"""A plan in a file: JSON or CSV, as its name says.

    {"format": 1, "videos": [{"video": PATH, "duration": SECONDS, "game": ..., ...}], ...}
    video,duration,game,creator,genre,url,licence,source

Paths are from the file's folder or from the root.  What is not known is left out.  The CSV is one
of facts too (``output.facts``).
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nitropilot.dataset.errors import BadPlan, NotExtracted
from nitropilot.dataset.output.facts import COLUMNS, BadFacts, Facts, facts_in, read_rows
from nitropilot.dataset.planning.plan import DURATION
from nitropilot.places import spelled
from nitropilot.records.format import PART

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nitropilot.dataset.planning.plan import Planned

FORMAT = 1
CSV, JSON = ".csv", ".json"
HOW = "make one with `nitropilot dataset plan`"


class Sources(NamedTuple):
    """What a plan names.

    Attributes:
        root: The common folder of all, those included that are not there.
        videos: Those that are there, in the plan's order.
        missing: Those that are not.
        table: Facts about them, by path.
    """

    root: Path
    videos: list[Path]
    missing: list[Path]
    table: dict[str, Facts]


def check_name(path: Path) -> None:
    """Raises ``BadPlan`` unless the name says how to write it, and nothing is there."""
    if path.suffix.lower() not in (CSV, JSON):
        raise BadPlan(f"{path} is no name of a plan", f"let it end in {JSON} or {CSV}")
    if path.exists():
        raise BadPlan(f"{path} is there already", "name a file that is not")


def write_plan(path: Path, videos: Sequence[Planned], figures: Mapping[str, Any]) -> None:
    """Write a plan; whole, or not at all.

    Args:
        path: Where; see ``check_name``.
        videos: In order.
        figures: What else a JSON is to say.

    Raises:
        NotExtracted: There is no room, or no way to write there.
    """
    rows = []
    for each in videos:
        length = {} if each.seconds is None else {DURATION: each.seconds}
        rows.append({"video": str(each.path), **length, **each.facts.known()})
    part = path.with_name(path.name + PART)
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            if path.suffix.lower() == CSV:
                writer = csv.DictWriter(file, ("video", DURATION, *COLUMNS))
                writer.writeheader()
                writer.writerows(rows)
            else:
                json.dump({"format": FORMAT, **figures, "videos": rows}, file, indent=1)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NotExtracted(f"cannot write {path}: {error.strerror}", "make room") from error


def read_plan(path: Path) -> Sources:
    """The videos of a plan; each once.

    Raises:
        BadPlan: It cannot be read, is none, or nothing of it is there.
    """
    rows = _rows_of_json(path) if path.suffix.lower() == JSON else _rows_of_csv(path)
    table = {str(spelled(path.parent / row["video"])): row for row in rows}
    if not table:
        raise BadPlan(f"{path} names no video", HOW)
    named = [Path(name) for name in table]
    there = [each for each in named if each.is_file()]
    if not there:
        raise BadPlan(
            f"none of the {len(named)} videos of {path} is there, such as {named[0]}",
            "fetch them, or see where the plan says they are",
        )
    root = Path(os.path.commonpath([each.parent for each in named]))
    here = {*there}
    return Sources(
        root, there, [each for each in named if each not in here],
        {name: facts_in(row) for name, row in table.items()},
    )  # fmt: skip


def _rows_of_csv(path: Path) -> list[dict[str, str]]:
    try:
        return read_rows(path, (DURATION,))
    except BadFacts as error:
        raise BadPlan(str(error), HOW) from error


def _rows_of_json(path: Path) -> list[dict[str, str]]:
    try:
        said: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadPlan(f"{path} cannot be read: {error}", HOW) from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise BadPlan(f"{path} is no plan of format {FORMAT}", HOW)
    rows = said.get("videos")
    if not isinstance(rows, list) or not all(map(_names_one, rows)):
        raise BadPlan(f"{path} has no list of videos with a path each", HOW)
    return [{key: str(value) for key, value in row.items()} for row in rows]


def _names_one(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("video"), str) and bool(row["video"])
