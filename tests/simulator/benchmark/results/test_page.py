"""docs/results.md says what the format is, and importing it costs little."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from nitropilot.children import module_environment
from nitropilot.simulator.benchmark.results.episode import Ending, Record
from nitropilot.simulator.benchmark.results.run import FORMAT
from tests.simulator.benchmark.made import run, write
from tests.support.places import ROOT

PAGE = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
HEAVY = {"gymnasium", "pygame", "scipy", "torch", "cv2", "Xlib"}


def first_cells(head: str) -> list[str]:
    """The words in code of the first column of the table that begins with a head."""
    table = PAGE.split(f"| {head} |", 1)[1].split("\n\n", 1)[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [word for cell in cells for word in re.findall(r"`([^`]+)`", cell)]


def test_every_field_is_explained() -> None:
    """And none that is gone."""
    assert sorted(first_cells("field")) == sorted(Record.model_fields)


def test_every_ending_is_explained() -> None:
    """What counts and what does not is the first thing that people argue about."""
    said = first_cells("`end` | counts")
    assert sorted(said) == sorted(ending.value for ending in Ending)
    void = PAGE.split("| `game crashed`", 1)[1].split("|", 1)[0]
    assert {"game crashed", *re.findall(r"`([^`]+)`", void)} == {e for e in Ending if e.void}
    assert f"the format's version ({FORMAT})" in PAGE


def test_the_example_runs(tmp_path: Path) -> None:
    """It is what people copy."""
    write(tmp_path / "my-run", run())
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    there = Path.cwd()
    os.chdir(tmp_path)
    try:
        names: dict[str, object] = {}
        exec(block, names)
    finally:
        os.chdir(there)
    assert getattr(names["pressed"], "shape", None) == (30, 20)


def test_importing_it_costs_little() -> None:
    """A command that shows a result must not wait for torch, nor need a game's libraries."""
    code = (
        "import sys, nitropilot.server\n"
        "import nitropilot.simulator.benchmark.results.writer\n"
        "import nitropilot.simulator.benchmark.reports.report\n"
        "import nitropilot.simulator.benchmark.reports.comparison\n"
        f"print(*{HEAVY!r} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=module_environment(), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == ""
