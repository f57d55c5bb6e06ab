"""The same questions for all policies, and the weights that play."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.training.errors import BadData, BadSettings
from nitropilot.training.evaluation.measures import measure
from nitropilot.training.evaluation.offline import ask, open_held_out
from nitropilot.training.evaluation.policies import labels_of, open_entries, weights_of
from nitropilot.training.objective.times import TimeDistribution
from nitropilot.training.trainer.config import DataConfig
from nitropilot.training.trainer.files import NEWEST, STATE, load_state
from nitropilot.training.trainer.running import train
from nitropilot.training.trainer.scoring import score
from tests.training.making import small_policy, told

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.training.evaluation.measures import Answers
    from nitropilot.training.evaluation.offline import Held
    from nitropilot.training.evaluation.policies import Entry

CPU = torch.device("cpu")


def held_of(
    material: Path, entries: list[Entry], tmp_path: Path, share: float = 0.3, most: int = 1000
) -> Held:
    """What is held out of the two recordings."""
    config = DataConfig(data=(str(material / "data"),))
    return open_held_out(entries, config, share, most, tmp_path / "frames")


def asked(entry: Entry, held: Held, place: int = 0, noises: int = 1) -> Answers:
    """Ask one policy."""
    span = held.prefix, held.longest
    return ask(
        entry.load(CPU), held.datasets[place], held.samples[place], span, noises, 8, CPU
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(material: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps at a rate at which raw and averaged weights differ."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("run")
    train(told(material, held_out=0.3, validate_every=3), folder)
    return folder


def test_a_run_stands_for_its_averaged_weights(run: Path) -> None:
    """Who evaluates the raw ones evaluates what never plays."""
    state = load_state(run)
    assert state is not None
    (entry,) = open_entries([str(run)])
    found = entry.load(CPU).state_dict()
    for name, average in state["stepper"]["average"].items():
        assert torch.equal(found[name], average), name
    raw = state["stepper"]["weights"]
    assert not all(torch.equal(found[name], raw[name]) for name in raw)
    with pytest.raises(BadSettings, match="is what a run goes on with, and no policy"):
        open_entries([str(run / STATE)])


def test_a_run_that_wrote_no_policy(run: Path, tmp_path: Path) -> None:
    """The raw weights of ``state.pt`` do not stand in."""
    shutil.copy(run / STATE, tmp_path / STATE)
    with pytest.raises(BadSettings, match=f"has written no {NEWEST} yet"):
        weights_of(str(tmp_path))


def test_the_scores_are_those_of_the_run(material: Path, run: Path, tmp_path: Path) -> None:
    """The same samples, noise and times as a run's own validation: loss, F1 and R2 to the bit."""
    entries = open_entries([str(run)])
    held = held_of(material, entries, tmp_path)
    dataset = held.datasets[0]
    assert held.samples[0] == dataset.split(0.3)[1].tolist()
    own = score(entries[0].load(CPU), dataset, held.samples[0], TimeDistribution(), 8, CPU)
    found = measure(asked(entries[0], held), list(own.f1))
    assert found.loss == own.loss
    assert found.r2 == own.r2
    assert {name: its.f1 for name, its in found.buttons.items()} == own.f1
    assert found.f1 == own.mean_f1


def test_other_horizons_are_compared_on_what_they_share(material: Path, tmp_path: Path) -> None:
    """The same frames and labels, the first actions of the longer chunks, the same noise."""
    longer = small_policy(tmp_path / "longer.safetensors", horizon=6)
    entries = open_entries([str(material / "small.safetensors"), str(longer)])
    held = held_of(material, entries, tmp_path)
    assert (held.prefix, held.longest) == (4, 6)
    keys = [
        [dataset.key(number) for number in numbers]
        for dataset, numbers in zip(held.datasets, held.samples, strict=True)
    ]
    assert keys[0] == keys[1]
    one, other = (asked(entry, held, place) for place, entry in enumerate(entries))
    assert np.array_equal(one.truth, other.truth)
    assert one.said.shape == other.said.shape
    for place, dataset in enumerate(held.datasets):
        assert set(held.samples[place]) <= set(dataset.split(0.3)[1].tolist())


def test_what_is_beyond_the_prefix_counts_nowhere(material: Path, tmp_path: Path) -> None:
    """A longer chunk's rest would be a harder question, asked of one policy alone."""
    longer = small_policy(tmp_path / "longer.safetensors", horizon=6)
    entries = open_entries([str(longer)])
    held = held_of(material, entries, tmp_path)
    whole, part = (asked(entries[0], replace(held, prefix=prefix)) for prefix in (6, 4))
    assert whole.loss != part.loss
    assert np.array_equal(whole.said[:, :, :4], part.said)


def test_samples_are_spread_over_what_is_held_out(material: Path, tmp_path: Path) -> None:
    """The first moments of one recording do not stand for all of them."""
    entries = open_entries([str(material / "small.safetensors")])
    all_of_it = held_of(material, entries, tmp_path, share=1.0)
    assert all_of_it.samples[0] == list(range(len(all_of_it.datasets[0])))
    few = held_of(material, entries, tmp_path, share=1.0, most=3)
    last = len(all_of_it.datasets[0]) - 1
    assert (few.samples[0][0], few.samples[0][-1]) == (0, last)
    assert len(few.samples[0]) == 3
    assert len(few.recordings) == 2


def test_noises_are_many_and_the_first_is_the_scored_one(material: Path, tmp_path: Path) -> None:
    """Calibration needs chunks that differ by their noise alone."""
    entries = open_entries([str(material / "small.safetensors")])
    held = held_of(material, entries, tmp_path, most=4)
    one, many = asked(entries[0], held), asked(entries[0], held, noises=3)
    assert many.said.shape[0] == 3
    assert np.array_equal(many.said[0], one.said[0])
    assert not np.array_equal(many.said[1], many.said[0])
    assert one.loss == many.loss


def test_what_cannot_be_compared(material: Path, run: Path, tmp_path: Path) -> None:
    """Both values are named, and what to do."""
    small = str(material / "small.safetensors")
    shifted = str(small_policy(tmp_path / "shifted.safetensors", action_shift=5))
    with pytest.raises(BadSettings, match=r"shift of \d+ ticks, and shifted\.safetensors of 5"):
        open_entries([small, shifted])
    with pytest.raises(BadSettings, match=r"rate of 20 actions a second, and pocket of 60"):
        open_entries([str(run), "pocket"])
    with pytest.raises(BadSettings, match="is the same policy as"):
        open_entries([str(run), str(run / NEWEST)])
    with pytest.raises(BadSettings, match="no policy is named to evaluate"):
        open_entries([])
    entries = open_entries(["pocket"])
    with pytest.raises(BadData, match="20 rows a second, and the policy acts 60"):
        held_of(material, entries, tmp_path)


def test_names_are_as_long_as_they_must_be() -> None:
    """Two files of one name are told apart by their folders."""
    assert labels_of(["a/x.pt", "b/x.pt", "b/y.pt", "pocket"]) == ["a/x.pt", "b/x.pt", "y.pt",
                                                                  "pocket"]  # fmt: skip
    assert labels_of(["x.pt", "a/x.pt"]) == ["x.pt", "a/x.pt"]
