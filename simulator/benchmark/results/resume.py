"""Whether a run that is asked for is the one that a result holds the beginning of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.results.errors import RunDiffers

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.simulator.benchmark.results.run import Run

FREE = {"created"}
"""Fields that do not identify a run."""
MISSING = "nothing"


def differences(there: Run, now: Run) -> list[str]:
    """What identifies one run and not the other: each with both values."""
    one, other = (
        _flat(run.model_dump(mode="json", exclude=FREE)) for run in (there, now)
    )  # fmt: skip
    return [
        f"{place} was {one.get(place, MISSING)} and is {other.get(place, MISSING)}"
        for place in dict.fromkeys([*one, *other])
        if one.get(place, MISSING) != other.get(place, MISSING)
    ]


def same_run(folder: Path, there: Run, now: Run) -> None:
    """Do nothing where the two are one.

    Raises:
        RunDiffers: They are not; it names every difference.
    """
    if found := differences(there, now):
        raise RunDiffers(
            f"the run in {folder} is another one: {'; '.join(found)}",
            "name another folder with --out, or run what was run there",
        )


def _flat(value: Any, place: str = "") -> dict[str, str]:
    """Every value by its place, such as ``tasks[arcade/runner/runner-1].judge_version``."""
    if isinstance(value, dict) and value:
        found: dict[str, str] = {}
        for name, each in value.items():
            found |= _flat(each, f"{place}.{name}" if place else name)
        return found
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        found = {}
        for each in value:
            found |= _flat(each, f"{place}[{_name(each)}]")
        return found
    return {place: repr(value)}


def _name(row: dict[str, Any]) -> str:
    """What a task or policy is told from its neighbours by."""
    if "task" in row:
        return "/".join(str(row[name]) for name in ("suite", "game", "task"))
    return str(row.get("name"))
