"""The JSON schemas of a result's two files, made from the types that read them."""

from __future__ import annotations

from typing import Any

from nitropilot.simulator.benchmark.results.episode import Record
from nitropilot.simulator.benchmark.results.run import FORMAT, Run

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """By the name of the schema's file: of ``run.json``, and of a line of ``episodes.jsonl``."""
    return {
        "run.schema.json": _schema(Run, "run.json of a NitroPilot result"),
        "episode.schema.json": _schema(Record, "a line of episodes.jsonl of a NitroPilot result"),
    }


def _schema(kind: type[Run] | type[Record], title: str) -> dict[str, Any]:
    """What a file has: every field, also one that has a value by itself when it is made."""
    found = kind.model_json_schema(mode="serialization")
    text = (kind.__doc__ or "").split("\n", 1)[0]
    head = {"$schema": DIALECT, "title": f"{title}, format {FORMAT}", "description": text}
    return head | {key: value for key, value in found.items() if key not in head}
