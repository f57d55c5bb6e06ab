"""``nitropilot dataset train-detector``: what it makes, prints and refuses."""

from __future__ import annotations

import json
import sys
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
import typer

from nitropilot.dataset.detecting import training
from nitropilot.dataset.detecting.training import Recipe
from nitropilot.dataset.detecting.weights import load
from nitropilot.dataset.errors import NotExtracted
from nitropilot.server.cli.dataset.group import dataset
from tests.dataset.detecting.crude import scenes

if TYPE_CHECKING:
    from pathlib import Path

STREAM = "nitropilot.dataset.styles.stream"
UsageError: type[Exception] = typer.BadParameter.__mro__[1]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny network, and crude videos in place of those that take long to make up."""
    stream = ModuleType(STREAM)
    stream.scenes = scenes  # type: ignore[attr-defined]  # a module has what it is given
    monkeypatch.setitem(sys.modules, STREAM, stream)
    small = partial(Recipe, block=2, batch=4, widths=(8, 8, 8, 8, 8))
    monkeypatch.setattr(training, "Recipe", small)


def run(*words: str) -> None:
    """``nitropilot dataset train-detector WORDS`` in this process."""
    dataset(["train-detector", *words], standalone_mode=False)


def test_from_nothing_to_a_file_with_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed as JSON is the card of the file."""
    out = tmp_path / "made" / "detector.safetensors"
    given = ("--out", str(out), "--samples", "2", "--held-out", "10", "--workers", "0")
    run(*given, "--seed", "5", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(out)
    card = load(out).card
    assert told["card"] == json.loads(json.dumps(card))
    assert (card["recipe"]["seed"], card["recipe"]["minutes"], card["scenes"]) == (5, None, 2)
    shown = sum(card["held_out"][kind]["videos"] for kind in ("opaque", "translucent"))
    assert shown + card["held_out"]["without"] == 10
    with pytest.raises(NotExtracted, match="is there already"):
        run(*given)


@pytest.mark.parametrize(
    "words",
    ["--minutes 0", "--samples 0", "--held-out 1", "--workers -1", "--minutes 1 --samples 9"],
)
def test_what_cannot_be_followed_is_refused(words: str, tmp_path: Path) -> None:
    """In one line, before anything is written."""
    with pytest.raises(UsageError, match=r"greater than or equal to|range|name one of"):
        run("--out", str(tmp_path / "detector.safetensors"), *words.split())
    assert not list(tmp_path.iterdir())
