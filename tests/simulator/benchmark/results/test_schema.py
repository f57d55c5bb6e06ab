"""The JSON schemas of the docs are those of the types, and real results fit them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nitropilot.simulator.benchmark.results.episode import Delays, Disagreement, Freezes
from nitropilot.simulator.benchmark.results.machines import this_machine
from nitropilot.simulator.benchmark.results.run import Timing
from nitropilot.simulator.benchmark.results.writer import ResultWriter
from scripts.result_schemas import written
from tests.simulator.benchmark.made import actions, outcome, policy, run

SCHEMAS = {path.name: json.loads(text) for path, text in written().items()}


def validator(name: str) -> jsonschema.Draft202012Validator:
    """What holds a file against a schema."""
    return jsonschema.Draft202012Validator(SCHEMAS[name])


@pytest.mark.parametrize("path", written(), ids=lambda path: path.name)
def test_the_files_are_up_to_date(path: Path) -> None:
    """``python -m scripts.result_schemas`` writes them."""
    assert path.read_text(encoding="utf-8") == written()[path]
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[path.name])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A real result's, with every kind of field filled and empty."""
    what = run(
        policies=(
            policy(),
            policy("nvidia/NitroGen", kind="checkpoint", digest="a" * 64, engine="torch on cuda",
                   precision="bfloat16", training_games=("Celeste",),
                   timing=Timing(chunk=8, deadline_seconds=0.3, shift=3)),
        ),
        machine=this_machine("NVIDIA H200"),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("schema") / "r"
    with ResultWriter(folder, what) as writer:
        while missing := writer.missing():
            key, attempt = missing[0]
            broken = key.seed == 2 and attempt == 1
            writer.add(
                outcome(
                    key, attempt, "game hung" if broken else "won",
                    delays=Delays.of([0.1] * key.seed), freezes=Freezes(count=3, seconds=0.5),
                    disagreements=(Disagreement(fact="coins", game=3, picture=None),),
                    frames_digest="0" * 64,
                ),
                None if broken else actions(),
            )  # fmt: skip
    lines = (folder / "episodes.jsonl").read_text().splitlines()
    return json.loads((folder / "run.json").read_text()), [json.loads(line) for line in lines]


def test_a_real_result_fits(files: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    """Who reads results without us relies on the schemas alone."""
    facts, records = files
    validator("run.schema.json").validate(facts)
    for record in records:
        validator("episode.schema.json").validate(record)
    assert len(records) == 20


@pytest.mark.parametrize(
    "change",
    [
        {"progress": 1.5}, {"end": "tired"}, {"seed": "3"}, {"steps": 1.5}, {"colour": 1},
        {"digest": "xyz"}, {"void": None}, {"trace": {"file": "../x", "sha256": "0" * 64}},
        {"delays": {}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_record_does_not(
    files: tuple[dict[str, Any], list[dict[str, Any]]], change: dict[str, Any]
) -> None:
    """A schema that everything fits describes nothing."""
    with pytest.raises(jsonschema.ValidationError):
        validator("episode.schema.json").validate(files[1][0] | change)


@pytest.mark.parametrize("which", ["run", "episode"])
def test_every_field_is_needed(
    files: tuple[dict[str, Any], list[dict[str, Any]]], which: str
) -> None:
    """A file that lacks one is of another format."""
    whole = files[0] if which == "run" else files[1][0]
    for name in whole:
        less = {key: value for key, value in whole.items() if key != name}
        assert not validator(f"{which}.schema.json").is_valid(less), name
