"""Take out of an outcome what differs from run to run, and say where two outcomes differ."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ANY = {
    "pid": 0, "created": "DATE", "started": "DATE", "ended": "DATE", "version": "VERSION",
    "nitropilot": "VERSION", "writer": "WRITER",
}  # fmt: skip
"""Values that are of this run, by key."""
MACHINE = ("engines", "pads")
"""Parts of an answer that say what this machine has: only their keys are compared."""
BYTES = ("size", "total_size")
"""Of files, where it is one number: an encoder of another version makes others."""
STAMP = re.compile(r"\d{8}-\d{6}")
ROUGH = {"seen": 2e-3, "sums": 2e-3, "grid": 2.0}
"""How far numbers under these keys may be off: other processors and libraries round otherwise."""
CLOSE = 5e-9
"""The clock's own steps are nanoseconds."""


def normal(value: Any, names: dict[str, str], key: str = "") -> Any:
    """A JSON value without what is of this run.

    Args:
        value: It.
        names: Texts that are to be replaced wherever they stand.
        key: Under which it stands.
    """
    if key in ANY and value not in (None, ""):
        return ANY[key] if not isinstance(value, dict | list) else sorted(value)
    if key in BYTES and isinstance(value, int):
        return "BYTES"
    if key == "engine" and isinstance(value, dict) and "reason" in value:
        value = {**value, "reason": "REASON"}  # names what else this machine has
    if key in MACHINE:
        return sorted({name for one in value for name in one}) + [one["name"] for one in value]
    if isinstance(value, dict):
        return {name: normal(one, names, name) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [normal(one, names, key if key in ROUGH else "") for one in value]
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
        return STAMP.sub("STAMP", value)
    return value


def difference(wanted: Any, found: Any, place: str = "", near: float = CLOSE) -> str:
    """The first place where two JSON values differ, for people; "" if there is none."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name in [*wanted, *(name for name in found if name not in wanted)]:
            here = f"{place}.{name}" if place else name
            if name not in found:
                return f"{here} is missing; expected {_short(wanted[name])}"
            if name not in wanted:
                return f"{here} is new: {_short(found[name])}"
            if why := difference(wanted[name], found[name], here, ROUGH.get(name, near)):
                return why
        return ""
    if isinstance(wanted, list) and isinstance(found, list):
        for number, (old, new) in enumerate(zip(wanted, found, strict=False)):
            if why := difference(old, new, f"{place}[{number}]", near):
                return why
        if len(wanted) != len(found):
            more = (wanted if len(wanted) > len(found) else found)[min(len(wanted), len(found))]
            return f"{place}: {len(wanted)} expected, {len(found)} found; the next: {_short(more)}"
        return ""
    if type(wanted) is not type(found):
        both = isinstance(wanted, int | float) and isinstance(found, int | float)
        if not both or isinstance(wanted, bool) or isinstance(found, bool):
            return f"{place}: expected {_short(wanted)}, found {_short(found)}"
    if isinstance(wanted, float) or isinstance(found, float):
        same = abs(wanted - found) <= near
    else:
        same = wanted == found or (near > CLOSE and isinstance(wanted, int)
                                   and abs(wanted - found) <= near)  # fmt: skip
    return "" if same else f"{place}: expected {_short(wanted)}, found {_short(found)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def write(path: Path, value: dict[str, Any]) -> None:
    """As JSON that shows in a diff what has changed: one line for each item."""
    parts = []
    for name, part in value.items():
        if isinstance(part, list) and part:
            items = ",\n".join(f"  {json.dumps(one)}" for one in part)
            parts.append(f" {json.dumps(name)}: [\n{items}\n ]")
        elif isinstance(part, dict) and part:
            items = ",\n".join(f"  {json.dumps(k)}: {json.dumps(one)}" for k, one in part.items())
            parts.append(f" {json.dumps(name)}: {{\n{items}\n }}")
        else:
            parts.append(f" {json.dumps(name)}: {json.dumps(part)}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
