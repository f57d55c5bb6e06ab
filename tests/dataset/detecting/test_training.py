"""A run: ended and gone on with, written and read, and what can be wrong about it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from nitropilot.dataset.detecting import training
from nitropilot.dataset.detecting.objective import loss
from nitropilot.dataset.detecting.training import Recipe, train
from nitropilot.dataset.detecting.view import CHANNELS, HEIGHT, WIDTH
from nitropilot.dataset.detecting.weights import KEY, load
from nitropilot.dataset.errors import BadWeights, DatasetError, NotExtracted
from tests.dataset.detecting.crude import scenes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nitropilot.dataset.detecting.network import Answer
    from nitropilot.dataset.detecting.objective import Wanted
    from nitropilot.dataset.styles.sample import Scene

RECIPE = Recipe(3, None, 4, held_out=2, block=2, batch=4, workers=0, widths=(8, 8, 8, 8, 8))


class Interrupted(Exception):
    """As Ctrl-C."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector of four steps."""
    path = tmp_path_factory.mktemp("made") / "detector.safetensors"
    trained = train(RECIPE, scenes, path)
    assert trained.path == path
    assert (trained.card["steps"], trained.card["scenes"]) == (4, 4)
    return path


def test_a_run_that_was_ended_goes_on_as_if_it_had_not_been(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit by bit: weights, their optimiser and the batches are where they were."""
    path = tmp_path / "detector.safetensors"
    left = [2]

    def two(answer: Answer, target: Wanted) -> torch.Tensor:
        if not left[0]:
            raise Interrupted
        left[0] -= 1
        return loss(answer, target)

    monkeypatch.setattr(training, "loss", two)
    with pytest.raises(Interrupted):
        train(RECIPE, scenes, path)
    assert not path.exists()
    monkeypatch.setattr(training, "loss", loss)
    train(RECIPE, scenes, path, resume=True)
    assert {each.name for each in tmp_path.iterdir()} == {path.name, f"{path.name}.md"}
    one, other = load_file(made), load_file(path)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def test_what_is_read_is_what_was_written(made: Path) -> None:
    """The card says how it was made and what it scored; the network says something of a view."""
    detector = load(made)
    assert detector.card["recipe"]["seed"] == 3
    assert detector.card["held_out"]["threshold"] == detector.threshold
    assert detector.card["held_out"]["claimed"] == 0
    said = detector.eye.say(np.zeros((CHANNELS, HEIGHT, WIDTH), np.uint8))
    assert said.near.shape == (HEIGHT // 4, WIDTH // 4)
    assert 0 < said.near.max() < 1
    assert made.stat().st_size < 40_000
    page = made.with_name(f"{made.name}.md").read_text()
    assert f"from a score of {detector.threshold} on" in page
    assert "seed 3, minutes None, samples 4" in page


def test_nothing_is_written_over(made: Path, tmp_path: Path) -> None:
    """Hours may lie in it."""
    with pytest.raises(NotExtracted, match="is there already"):
        train(RECIPE, scenes, made)
    path = tmp_path / "detector.safetensors"
    state = tmp_path / "detector.safetensors.state"
    state.write_bytes(b"hours")
    with pytest.raises(NotExtracted, match="of a run that has not ended"):
        train(RECIPE, scenes, path)
    with pytest.raises(NotExtracted, match="cannot be gone on with"):
        train(RECIPE, scenes, path, resume=True)
    assert state.read_bytes() == b"hours"
    state.unlink()
    with pytest.raises(NotExtracted, match="there is no run to go on with"):
        train(RECIPE, scenes, path, resume=True)
    assert not list(tmp_path.iterdir())


def test_a_run_goes_on_as_it_was_told(tmp_path: Path) -> None:
    """Half a run of one seed and half of another is none of either."""
    path = tmp_path / "detector.safetensors"
    run = training._Run(RECIPE, scenes, tmp_path / f"{path.name}.state", lambda _what, _done: None)
    run.save()
    with pytest.raises(NotExtracted, match="is of a run with seed 3, samples 4"):
        train(replace(RECIPE, seed=4, samples=5), scenes, path, resume=True)


def test_without_videos_nothing_is_learned(tmp_path: Path) -> None:
    """And it is said, where else a run would end without a word."""

    def none(seed: int, *, styles: Sequence[int]) -> Iterator[Scene]:
        assert seed >= 0 and len(styles)
        return iter(())

    with pytest.raises(DatasetError, match="no more made-up videos"):
        train(RECIPE, none, tmp_path / "detector.safetensors")


def test_a_folder_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    """Not after an hour."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NotExtracted, match="cannot write"):
        train(RECIPE, scenes, tmp_path / "file" / "detector.safetensors")


def test_a_file_that_is_no_detector_is_refused(made: Path, tmp_path: Path) -> None:
    """Missing, damaged, another network's, of another version, of absurd sizes: one line each."""
    path = tmp_path / "other.safetensors"
    with pytest.raises(BadWeights, match="is not a file"):
        load(path)
    path.write_bytes(made.read_bytes()[:-100])
    with pytest.raises(BadWeights, match="is no detector that can be read"):
        load(path)
    tensors = load_file(made)
    save_file(tensors, path)
    with pytest.raises(BadWeights, match="holds no detector of controllers"):
        load(path)
    facts = {"format": 1, "widths": [8] * 5, "joined": 8, "threshold": 0.5, "card": {}}
    for change, said in (
        ({"format": 2}, "format 2, not 1"),
        ({"widths": [8, 8, 8, 8, 10**6]}, "a network of"),
        ({"widths": [8, 8, 8, 8, 16]}, "size mismatch"),
        ({"threshold": "high"}, "a threshold of 'high'"),
        ({"threshold": float("nan")}, "a threshold of nan"),
    ):
        save_file(tensors, path, metadata={KEY: json.dumps(facts | change)})
        with pytest.raises(BadWeights, match=said):
            load(path)
    save_file(tensors, path, metadata={KEY: json.dumps(facts)})
    assert load(path).threshold == 0.5
