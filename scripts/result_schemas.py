"""Writes the JSON schemas of results to docs/schemas: ``python -m scripts.result_schemas``."""

from __future__ import annotations

import json
from pathlib import Path

from nitropilot.simulator.benchmark.results.schema import schemas

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def written() -> dict[Path, str]:
    """What each file is to hold."""
    return {
        FOLDER / name: json.dumps(schema, indent=1) + "\n" for name, schema in schemas().items()
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
        print(path)
