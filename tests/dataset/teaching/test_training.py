"""A parser is trained: it learns, goes on where it was, and says what went wrong."""

from __future__ import annotations

import threading
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.dataset.errors import BadWeights, NotExtracted, ParserSettings, ParserStopped
from nitropilot.dataset.parsing.files import load_parser, load_state, save_parser
from nitropilot.dataset.parsing.network import fresh
from nitropilot.dataset.teaching.batches import together
from nitropilot.dataset.teaching.learner import Learner
from nitropilot.dataset.teaching.presets import PRESETS, recipe_of
from nitropilot.dataset.teaching.scores import read_batches, scores_of
from nitropilot.dataset.teaching.training import train
from tests.dataset.parsing.making import RECIPE, SHAPE, sample, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.dataset.styles.sample import Sample
    from nitropilot.dataset.teaching.presets import Recipe
    from nitropilot.dataset.teaching.training import Trained

SHORT = replace(RECIPE, samples=48, trials=1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run that nobody disturbed."""
    return train(SHORT, stream, tmp_path_factory.mktemp("whole") / "parser.safetensors")


def test_sixteen_samples_are_learned_by_heart() -> None:
    """Every button, and sticks to a twentieth of their way."""
    rng = np.random.default_rng(5)
    batch = together([sample(rng) for _ in range(16)])
    recipe = replace(RECIPE, batch=16, rate=1e-2, recolour=0.0)
    learner = Learner(recipe, fresh(SHAPE, 0), torch.device("cpu"))
    for step in range(140):
        learner.step(step, step / 140, batch)
    learner.parser.eval()
    read = read_batches(learner.parser, [batch])
    found = scores_of(read)
    assert found.accuracy == 1.0
    assert (found.f1, found.shown) == (1.0, 1.0)
    assert np.abs(read.sticks - batch.sticks.numpy()).max() < 0.1
    assert np.abs(read.sticks - batch.sticks.numpy()).mean() < 0.05
    assert found.r2 > 0.98 > 0 > found.always_centre
    assert 0.6 < found.always_off < 0.8


def interrupted(recipe: Recipe, after: int) -> tuple[partial[Iterator[Sample]], threading.Event]:
    """Samples, and what stops a run once so many of them were given."""
    stop = threading.Event()
    given = 0

    def counted(seed: int) -> Iterator[Sample]:
        nonlocal given
        for each in stream(seed):
            given += 1
            if given == after:
                stop.set()
            yield each

    return partial(counted), stop


@pytest.mark.parametrize("after", [9, 41])
def test_a_run_that_is_gone_on_with_is_one_that_was_never_stopped(
    tmp_path: Path, whole: Trained, after: int
) -> None:
    """The same weights to the last bit, and Ctrl-C leaves a parser that can be used."""
    path = tmp_path / "parser.safetensors"
    source, stop = interrupted(SHORT, after)
    first = train(SHORT, source, path, stop=stop)
    assert not first.ended
    assert 0 < first.card["samples"] < 48
    load_parser(path)
    last = train(SHORT, stream, path, resume=True)
    assert last.ended
    one, other = (load_state(each.with_name(f"{each.name}.state")) for each in (path, whole.path))
    assert one["step"] == other["step"] == 6
    for name, each in other["learner"]["parser"].items():
        assert torch.equal(one["learner"]["parser"][name], each), name
    for name, each in other["learner"]["average"].items():
        assert torch.equal(one["learner"]["average"][name], each), name


def test_a_run_that_is_over_is_not_trained_again(whole: Trained, tmp_path: Path) -> None:
    """Gone on with, it is as it was; the card says what was seen, and by what it was chosen."""
    before = whole.path.read_bytes()
    again = train(SHORT, stream, whole.path, resume=True)
    assert whole.path.read_bytes() == before
    assert again.card == whole.card
    card = whole.card
    assert (card["samples"], card["steps"], card["began"]) == (48, 6, "random weights")
    assert card["held_out"]["all"]["samples"] == 16
    assert 0 < card["held_out"]["all"]["always_off"] < 1
    assert [*tmp_path.iterdir()] == []
    assert {each.name for each in whole.path.parent.iterdir()} == {
        "parser.safetensors", "parser.safetensors.state",
    }  # fmt: skip


def test_a_worker_that_makes_samples_changes_nothing(tmp_path: Path, whole: Trained) -> None:
    """It is another process; the weights are the same to the last bit."""
    made = train(SHORT, stream, tmp_path / "p.safetensors", workers=1)
    one, other = (load_state(each.path.with_name(f"{each.path.name}.state"))["learner"]["parser"]
                  for each in (made, whole))  # fmt: skip
    assert all(torch.equal(one[name], each) for name, each in other.items())


def test_two_trainers_meet(tmp_path: Path) -> None:
    """Each sees half of the samples, and both end with the same weights: the averages."""
    recipe = replace(SHORT, together=2)
    made = train(recipe, stream, tmp_path / "p.safetensors", trainers=2)
    assert made.ended
    assert (made.card["steps"], made.card["samples"], made.card["trainers"]) == (3, 48, 2)
    alone = train(replace(recipe, samples=24), stream, tmp_path / "alone.safetensors")
    one, other = (load_state(each.path.with_name(f"{each.path.name}.state"))["learner"]["parser"]
                  for each in (made, alone))  # fmt: skip
    assert not torch.equal(one["heads.where.weight"], other["heads.where.weight"])


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    """And what was written before can still be read, and gone on with."""
    path = tmp_path / "parser.safetensors"
    with pytest.raises(ParserStopped, match=r"the loss is (nan|inf) after"):
        train(replace(SHORT, rate=1e30), stream, path)
    assert load_state(tmp_path / "parser.safetensors.state")["step"] == 0


def test_weights_of_another_run_to_begin_with(tmp_path: Path, whole: Trained) -> None:
    """They are what the run begins with, and the card says so; those of another size are not."""
    card = train(
        replace(SHORT, samples=8, rate=0.0), stream, tmp_path / "next.safetensors",
        init=str(whole.path),
    ).card  # fmt: skip
    assert card["began"] == f"all weights are from {whole.path}"
    taken = load_parser(tmp_path / "next.safetensors").parser.state_dict()
    for name, each in load_parser(whole.path).parser.named_parameters():
        torch.testing.assert_close(taken[name], each, msg=name)
    larger = replace(SHORT, shape=replace(SHAPE, features=20))
    with pytest.raises(BadWeights, match="has a network of"):
        train(larger, stream, tmp_path / "large.safetensors", init=str(whole.path))
    with pytest.raises(BadWeights, match="is not a file"):
        train(SHORT, stream, tmp_path / "none.safetensors", init=str(tmp_path / "none"))
    assert not (tmp_path / "none.safetensors.state").exists()


def test_nothing_is_written_over(tmp_path: Path, whole: Trained) -> None:
    """A file or a run that is there, one that is not, and another one's: each is said."""
    with pytest.raises(NotExtracted, match="is there already"):
        train(SHORT, stream, whole.path)
    with pytest.raises(NotExtracted, match="there is no run to go on with"):
        train(SHORT, stream, tmp_path / "none.safetensors", resume=True)
    with pytest.raises(NotExtracted, match="has seed 0, and 7 is asked for"):
        train(replace(SHORT, seed=7), stream, whole.path, resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotExtracted, match="cannot make"):
        train(SHORT, stream, tmp_path / "file" / "p.safetensors")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"preset": "huge"}, "there is no preset 'huge'"),
        ({"minutes": 0.0}, "training of 0 minutes learns nothing"),
        ({"samples": -3}, "training of -3 samples learns nothing"),
        ({"minutes": 1.0, "samples": 5}, "minutes and samples are both given"),
    ],
    ids=["preset", "minutes", "samples", "both"],
)
def test_recipes_that_cannot_be_followed(given: dict[str, object], said: str) -> None:
    """One line each."""
    with pytest.raises(ParserSettings, match=said):
        recipe_of(**({"preset": "small"} | given))  # type: ignore[arg-type]  # any of its options


def test_presets_fit_what_they_are_for() -> None:
    """The small one is 90 minutes and at most 20 MB; the GPU recipe millions of samples."""
    small = PRESETS["small"]
    weights = sum(each.numel() for each in fresh(small.shape, 0).parameters())
    assert small.minutes == 90
    assert 4 * weights < 20e6
    assert PRESETS["segformer"].samples == 8_000_000
    assert recipe_of("small", samples=10).minutes is None


def test_files_that_are_no_parser(tmp_path: Path, whole: Trained) -> None:
    """Missing, cut off, another file's, and one whose weights are no numbers."""
    from safetensors.torch import save_file

    whole_bytes = whole.path.read_bytes()
    (tmp_path / "cut").write_bytes(whole_bytes[: len(whole_bytes) // 2])
    (tmp_path / "text").write_text("not found")
    save_file({"a": torch.zeros(3)}, tmp_path / "foreign")
    parser = fresh(SHAPE, 0)
    with torch.no_grad():
        parser.heads.where.bias[0] = float("nan")
    save_parser(parser, {}, tmp_path / "nan")
    smaller = fresh(SHAPE, 0)
    smaller.shape = replace(SHAPE, features=20)
    save_parser(smaller, {}, tmp_path / "other")
    for name, said in (
        ("gone", "is not a file"), ("cut", "is no parser that can be read"),
        ("text", "is no parser that can be read"), ("foreign", "holds no parser of controllers"),
        ("nan", "has values that are no numbers"), ("other", "and the network's"),
    ):  # fmt: skip
        with pytest.raises(BadWeights, match=said):
            load_parser(tmp_path / name)


def test_half_the_precision_says_nearly_the_same(tmp_path: Path, whole: Trained) -> None:
    """And half the size."""
    loaded = load_parser(whole.path)
    save_parser(loaded.parser, loaded.card, tmp_path / "half", half=True)
    batch = next(iter([together(list(islice(stream(1), 8)))]))
    said = [load_parser(path).parser.say(batch.pictures, batch.reference).buttons
            for path in (whole.path, tmp_path / "half")]  # fmt: skip
    assert (tmp_path / "half").stat().st_size < 0.7 * whole.path.stat().st_size
    torch.testing.assert_close(*said, atol=0.05, rtol=0.05)
