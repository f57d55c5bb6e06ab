"""What a parser scores: on samples, on clips of skins; its confidence; its card."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.dataset.errors import NotExtracted, ParserSettings
from nitropilot.dataset.parsing.answer import CELLS, Answer
from nitropilot.dataset.parsing.files import load_parser, save_parser
from nitropilot.dataset.parsing.network import fresh
from nitropilot.dataset.parsing.shape import Shape
from nitropilot.dataset.styles.sample import ELEMENTS
from nitropilot.dataset.teaching.batches import together
from nitropilot.dataset.teaching.card import describe
from nitropilot.dataset.teaching.scores import Read, by_kind, calibrate, scores_of
from nitropilot.dataset.teaching.skins import on_skins, skin_clip
from nitropilot.dataset.teaching.training import train
from nitropilot.server.cli.dataset.group import dataset
from tests.dataset.parsing.making import RECIPE, SHAPE, stream
from tests.dataset.toy import toy

if TYPE_CHECKING:
    from pathlib import Path


def read(count: int, sure: float = 4.0, wrong: float = 0.0, seed: int = 0) -> Read:
    """Answers of one sureness, some of which are wrong."""
    batch = together(list(islice(stream(seed), count)))
    rng = np.random.default_rng(seed)
    right = np.where(rng.random((count, 17)) < wrong, -1, 1)
    buttons = np.where(batch.buttons.numpy(), sure, -sure) * right
    grids = np.zeros((count, 2, CELLS, CELLS), np.float32)
    shown = np.full((count, 19), 3.0, np.float32)
    return Read(buttons.astype(np.float32), grids, batch.sticks.numpy().copy(), shown, batch)


def test_scores_by_hand() -> None:
    """The truth, its opposite, always off, always in the middle; what is not shown counts not."""
    right = read(40)
    best = scores_of(right)
    assert (best.accuracy, best.f1, best.r2, best.shown) == (1, 1, 1, 1)
    assert len(best.by_button) == 17
    off = scores_of(right._replace(buttons=-np.ones((40, 17), np.float32)))
    assert off.f1 == 0
    assert off.accuracy == off.always_off == pytest.approx(1 - right.truth.buttons.float().mean())
    rest = scores_of(right._replace(sticks=np.zeros((40, 4), np.float32)))
    assert rest.r2 == rest.always_centre <= 0
    hidden = right.truth.shown_buttons.clone()
    hidden[:, 3] = False
    logits = right.buttons.copy()
    logits[:, 3] *= -1
    less = scores_of(right._replace(
        buttons=logits, truth=right.truth._replace(shown_buttons=hidden)
    ))  # fmt: skip
    assert (less.accuracy, less.f1, len(less.by_button)) == (1, 1, 16)
    assert less.shown == pytest.approx(1 - 1 / 19)
    kinds = by_kind(right)
    assert [kinds[name].samples for name in ("all", "opaque", "outline, translucent")] == [
        40,
        20,
        20,
    ]


def test_confidence_is_made_as_sure_as_it_is_right() -> None:
    """One that is wrong in a tenth and says one in thousands is made less sure, and one that knows
    all surer; where a bias is needed it is found."""
    parser = fresh(SHAPE, 0)
    calibrate(parser, read(400, sure=8.0, wrong=0.1))
    says = 1 / (1 + np.exp(-8.0 / parser.sharpness[:17].numpy()))
    assert np.abs(says - 0.9).max() < 0.06
    calibrate(parser, read(60, sure=1.0))
    assert (parser.sharpness[:17] < 0.5).all()
    low = read(200)
    calibrate(parser, low._replace(buttons=low.buttons * 0.5 - 2.5))
    shifted = (low.buttons * 0.5 - 2.5) / parser.sharpness[:17].numpy() + float(parser.bias)
    assert scores_of(low._replace(buttons=shifted)).f1 > 0.99


class AlwaysOff:
    """An eye that never sees anything pressed."""

    shape = Shape()

    def say(self, pictures: torch.Tensor, reference: torch.Tensor) -> Answer:
        none = torch.zeros(count := len(pictures), 1)
        grids = torch.zeros(count, 2, CELLS, CELLS)
        grids[:, :, 5, 5] = 9
        return Answer(torch.full((count, 17), -9.0), grids,
                      torch.zeros(count, 2, 2, CELLS, CELLS),
                      torch.full((count, len(ELEMENTS)), 9.0), none, none)  # fmt: skip


def test_an_eye_that_sees_nothing_scores_as_the_baselines_do(tmp_path: Path) -> None:
    """On a clip of a skin, found or not; the clip's controller lies in its box."""
    truth, spot = skin_clip(toy(), 1, tmp_path / "clip.mp4", 1.0)
    assert (spot.first, spot.last) == (0, len(truth)) == (0, 30)
    assert 100 < spot.box.width < 240
    for looks in (None, lambda _: None):
        found = on_skins(AlwaysOff(), [toy()], 1.0, seed=1, looks=looks)[0]
        assert found.accuracy == found.always_off < 1
        assert found.f1 == 0
        assert found.r2 == pytest.approx(found.always_centre)


def test_a_card_says_what_it_is_and_what_it_scores(tmp_path: Path) -> None:
    """In the file and beside it, the same."""
    path = tmp_path / "parser.safetensors"
    recipe = replace(RECIPE, samples=8, trials=1, shape=replace(SHAPE, height=32, width=64))
    train(recipe, stream, path)
    card = describe(path, [toy()], 0.4)
    assert load_parser(path).card == card
    text = (tmp_path / "parser.safetensors.md").read_text("utf-8")
    assert "Began with: random weights" in text
    assert "Learned from 8 made-up samples" in text
    assert f"| {toy().name} |" in text
    for kind in ("all", "opaque", "outline, translucent"):
        assert f"| made-up looks, {kind} | {card['held_out'][kind]['accuracy']:.4f}" in text
    assert card["skins"]["each"][0]["skin"] == toy().name


def run(*words: str) -> None:
    dataset(["train-parser", *words], standalone_mode=False)


def test_the_command_refuses_what_cannot_be(tmp_path: Path) -> None:
    """Before anything is made up or written."""
    pytest.importorskip("nitropilot.dataset.styles.stream")
    path = tmp_path / "p.safetensors"
    for words, said in (
        (["--minutes", "0"], "training of 0 minutes learns nothing"),
        (["--preset", "huge"], "there is no preset 'huge'"),
        (["--device", "tpu"], "cannot train on 'tpu'"),
        (["--minutes", "1", "--samples", "9"], "minutes and samples are both given"),
    ):
        with pytest.raises(ParserSettings, match=said):
            run("--out", str(path), *words)
    assert [*tmp_path.iterdir()] == []
    save_parser(fresh(SHAPE, 0), {}, path)
    with pytest.raises(NotExtracted, match="is there already"):
        run("--out", str(path))
    (tmp_path / "file").write_text("")
    with pytest.raises(NotExtracted, match="cannot make"):
        run("--out", str(tmp_path / "file" / "p.safetensors"))
