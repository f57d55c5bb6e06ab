"""The report of a run: all of it in one file, whatever the run was told."""

from __future__ import annotations

import base64
import io
import re
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from nitropilot.page import Page
from nitropilot.training.reports.charts import chart, ticks
from nitropilot.training.reports.run_report import EXAMPLES, REPORT, write_report
from nitropilot.training.trainer.logs import read_log
from nitropilot.training.trainer.outcome import Verdict
from nitropilot.training.trainer.running import train
from nitropilot.training.trainer.speed import MFU_FORMULA
from tests.training.making import picture, told

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.trainer.scoring import Scores

PLAYED = iter([0.25, 0.75, 0.5])


def judge(_policy: Policy, _scores: Scores) -> Verdict:
    """Says that the second of three plays best: what is played is tested elsewhere."""
    won = next(PLAYED)
    return Verdict(won, {"play_success": won, "play_progress": 0.9}, f"won {won}")


@pytest.fixture(scope="module")
def run(material: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps and three validations."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("run<script>")
    config = told(material, held_out=0.3, validate_every=2, play=["maze"])
    train(config, folder, judge=judge, report=write_report)
    return folder


def test_everything_is_in_one_file(run: Path) -> None:
    """It is sent to others, and read where there is no network."""
    page = (run / REPORT).read_text()
    assert not re.search(r"<script|<link|src=\"(?!data:)|href=|url\(|@import", page)
    for title in ("Loss", "Learning rate", "F1 of buttons, held out", "Samples a second",
                  "Closed-loop trials"):  # fmt: skip
        assert f"<title>{title}</title>" in page
    assert escape(MFU_FORMULA) in page
    assert "optimiser.learning_rate" in page
    assert "0.001" in page


def test_the_curves_have_the_rows_of_the_log(run: Path) -> None:
    """A point for each row, and for each validation."""
    page = (run / REPORT).read_text()
    loss = page[page.index("<title>Loss</title>") :]
    lines = re.findall(r'<polyline points="([^"]*)"', loss[: loss.index("</svg>")])
    assert [len(points.split()) for points in lines] == [len(read_log(run)), 3] == [6, 3]


def test_why_the_best_is_the_best(run: Path, material: Path, tmp_path: Path) -> None:
    """By play where somebody plays, and by the held-out loss otherwise."""
    page = (run / REPORT).read_text()
    assert ("it played best of 3 validations: 75.0 % of its levels won") in page
    assert '<th scope="row">best.safetensors</th><td>4</td>' in page
    outcome = train(told(material, held_out=0.3, validate_every=3), tmp_path, report=write_report)
    rows = {row["step"]: row["held_out_loss"] for row in read_log(tmp_path)}
    best = float(rows[str(outcome.best_step)])
    page = (tmp_path / REPORT).read_text()
    assert f"its held-out loss, {best:.4f}, is the lowest of 2 validations" in page
    assert best == min(float(loss) for loss in rows.values() if loss)


def test_examples_are_held_out_frames(run: Path, material: Path) -> None:
    """What the policy was shown, and the labels that belong to it, are on the page."""
    page = (run / REPORT).read_text()
    found = re.findall(
        r'alt="frame (\d+) of (\S+)" src="data:image/png;base64,([^"]+)"', page
    )  # fmt: skip
    assert len(found) == EXAMPLES
    numbers = {name: number for number, name in enumerate(sorted({f[1] for f in found}))}
    assert len(numbers) == 2
    for row, name, data in found:
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
        whole = picture(numbers[name], int(row)).astype(float)
        small = whole.reshape(32, 2, 32, 2, 3).mean((1, 3))
        assert np.abs(shown - small).mean() < 12, "this frame, and its colours in this order"
    assert page.count("Pressed and predicted actions") == EXAMPLES


def test_an_interrupted_run_has_one(material: Path, tmp_path: Path) -> None:
    """Also before its log has a row, and where nothing is held out."""
    outcome = train(
        told(material), tmp_path, stopping=lambda: True, report=write_report
    )  # fmt: skip
    assert (outcome.ended, outcome.step) == ("interrupted", 0)
    page = (tmp_path / REPORT).read_text()
    assert "It was interrupted; the same command goes on from there." in page
    assert "The run ended before its log had a row." in page
    assert "Nothing was held out" in page
    assert "there is none: nothing was validated" in page


def test_text_is_no_markup() -> None:
    """Names of games and files are other people's."""
    page = Page("<a>")
    page.say("<img src=x>")
    page.heading("a | b")
    page.table(("<b>",), [("<i>|",), ("`x`",)])
    assert not re.search(r"<(a|b|i|img)[ >]", page.html().split("<h1>")[1])
    assert "\\<img src=x\\>" in page.markdown()
    assert "\\<i\\>\\|" in page.markdown()


def test_a_chart_of_little() -> None:
    """One point, all the same value, none, and what is no number."""
    assert chart("t", "x", {"a": []}) == ""
    assert chart("t", "x", {"a": [(1.0, float("nan"))]}) == ""
    assert "nan" not in chart("t", "x", {"a": [(1.0, 0.0)], "b": [(2.0, float("inf"))]})
    assert chart("t", "x", {"a": [(1.0, 0.0), (2.0, 0.0)]}).count("<circle") == 2
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(1e-5, 1e-4) == [2e-5, 4e-5, 6e-5, 8e-5, 1e-4]
