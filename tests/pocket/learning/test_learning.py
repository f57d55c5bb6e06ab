"""Muon, the looks at a batch, and what a step of the recipe does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nitropilot.pocket.learning.batches import Taught, batch
from nitropilot.pocket.learning.export import export
from nitropilot.pocket.learning.learner import Learner
from nitropilot.pocket.learning.network import fresh
from nitropilot.pocket.learning.objective import channel_weights, chart_error, look, widened
from nitropilot.pocket.recipe import GAMES, HELD_OUT, Recipe
from nitropilot.pocket.samples.charts import BYTES
from nitropilot.pocket.samples.pool import Pool, Samples, make_pool
from nitropilot.policy.actions import TOKENS, decode
from nitropilot.policy.files.checkpoint import load_policy
from nitropilot.training.objective.times import TimeDistribution
from nitropilot.training.optimise.muon import Muon, orthogonal

SMALL = replace(Recipe(), games=("pulse",), batch=4, steps=10, head_share=0.0)


def _pool(seed: int, count: int = 12) -> Pool:
    rng = np.random.default_rng(seed)
    actions = rng.integers(0, 2, (count, 16, 25), np.uint8) * 254
    actions[:, :, 9:] = 0
    frames = rng.integers(0, 256, (count, 64, 64, 3), np.uint8)
    return make_pool(Samples(frames, np.zeros((count, BYTES), np.uint8), actions), 3.0)


def test_orthogonal_against_the_singular_value_decomposition() -> None:
    """Same singular vectors; singular values near 1, of wide, tall and square matrices."""
    torch.manual_seed(0)
    for shape in ((2, 8, 24), (1, 24, 8), (3, 12, 12)):
        matrices = torch.randn(shape)
        made = orthogonal(matrices)
        u, _, v = torch.linalg.svd(matrices, full_matrices=False)
        inner = u.transpose(1, 2) @ made @ v.transpose(1, 2)
        values = torch.diagonal(inner, dim1=1, dim2=2)
        assert values.min() > 0.6
        assert values.max() < 1.3
        assert (inner - torch.diag_embed(values)).abs().max() < 1e-3


def test_muon_goes_down_and_leaves_what_has_no_gradient() -> None:
    """A step is as long as its rate, whatever the gradient's size."""
    one, other = (torch.nn.Parameter(torch.zeros(4, 4)) for _ in range(2))
    muon = Muon([one, other], lr=0.1, momentum=0.0)
    (1e-6 * (one - torch.eye(4)).square().sum()).backward()
    muon.step()
    assert torch.linalg.matrix_norm(one.detach(), ord=2) == pytest.approx(0.1, rel=0.3)
    assert one.detach().diagonal().min() > 0
    assert other.detach().abs().max() == 0
    with pytest.raises(ValueError, match="matrices"):
        Muon([torch.nn.Parameter(torch.zeros(3))], lr=0.1)


def test_times_lie_where_their_distribution_has_them() -> None:
    """``at`` is the inverse of the distribution function that ``draw`` samples."""
    distribution = TimeDistribution()
    chances = np.linspace(0.01, 0.99, 25)
    drawn = np.quantile(distribution.draw(np.random.default_rng(0), (200_000,)), chances)
    assert distribution.at(chances) == pytest.approx(drawn, abs=0.01)
    with pytest.raises(ValueError, match="beta is 2"):
        TimeDistribution(beta=2.0).at(chances)


def test_each_picture_is_looked_at_from_every_stretch_of_times() -> None:
    """Two times of a picture never come from the same half."""
    seen = look(np.random.default_rng(0), 64, 2, 16, 25, TimeDistribution())
    middle = TimeDistribution().at(np.array([0.5]))[0]
    early = seen.times.reshape(2, 64) < middle
    assert (early.sum(dim=0) == 1).all()
    assert seen.noise.shape == (128, 16, 25)


def test_buttons_that_are_further_apart_decode_the_same() -> None:
    """And sticks are left alone."""
    actions = torch.from_numpy(np.random.default_rng(0).random((1, 16, 25), np.float32))
    actions[..., : len(TOKENS)] = actions[..., : len(TOKENS)].round()
    one, other = decode(actions.numpy()), decode(widened(actions).numpy())
    assert np.array_equal(one.buttons, other.buttons)
    assert np.array_equal(one.j_left, other.j_left)


def test_what_channels_count() -> None:
    """A button that is wrong and a stick that is wrong cost the same; what nobody uses, little."""
    used = np.arange(25) % 2 == 0
    weights = channel_weights(used, 4.0)
    assert weights[0] == 1.0
    assert weights[1] == pytest.approx(0.02)
    assert weights[22] == 4.0
    assert weights[21] == pytest.approx(0.02)
    off, on = torch.zeros(1, 1, 25), torch.ones(1, 1, 25)
    cost = weights * (widened(on) - widened(off)).square()
    assert cost[0, 0, 0] == cost[0, 0, 22] == 4.0


def test_a_batch_has_each_games_share() -> None:
    """And of each game the share that was driven, where there is any."""
    marks = {game: place + 1 for place, game in enumerate(GAMES)}

    def marked(value: int) -> Pool:
        actions = np.full((3, 16, 25), value, np.uint8)
        blank = np.zeros((3, 64, 64, 3), np.uint8), np.zeros((3, BYTES), np.uint8)
        return make_pool(Samples(*blank, actions), 3.0)

    recorded = {game: [marked(mark)] for game, mark in marks.items()}
    driven = {"maze": [marked(100)]}
    shares = Recipe().shares()
    taught = batch(np.random.default_rng(0), 4000, shares, recorded, driven, 0.25, 0)
    values, counts = np.unique(np.rint(taught.actions[:, 0, 0].numpy() * 254), return_counts=True)
    got = dict(zip(values.tolist(), (counts / 4000).tolist(), strict=True))
    assert got[marks["road"]] == pytest.approx(shares["road"], abs=0.03)
    assert got[100] == pytest.approx(shares["maze"] * 0.25, abs=0.02)
    assert got[marks["maze"]] == pytest.approx(shares["maze"] * 0.75, abs=0.03)


def test_a_picture_is_moved_and_its_actions_stay_with_it() -> None:
    """By at most so many pixels."""
    frames = np.zeros((1, 64, 64, 3), np.uint8)
    frames[0, 30, 30] = 255
    blank = np.zeros((1, BYTES), np.uint8), np.zeros((1, 16, 25), np.uint8)
    pool = make_pool(Samples(frames, *blank), 3.0)
    taught = batch(np.random.default_rng(0), 200, {"maze": 1.0}, {"maze": [pool]}, {}, 0.0, 2)
    places = {tuple(np.argwhere(image[0, 0].numpy() > 0)[0]) for image in taught.images}
    assert places == {(row, column) for row in range(28, 33) for column in range(28, 33)}


def test_the_head_goes_first_and_the_flow_follows() -> None:
    """While the head is alone the DiT stays as it is; later both errors fall on a batch."""
    used = np.arange(25) < 9
    learner = Learner(replace(SMALL, head_share=0.5, adam_rate=3e-3), used)
    taught = batch(np.random.default_rng(0), 4, {"pulse": 1.0}, {"pulse": [_pool(0)]}, {}, 0.0, 0)
    before = {name: value.clone() for name, value in learner.policy.state_dict().items()}
    first, unseen = learner.step(0, 0, taught), _chart_error(learner, taught)
    after = learner.policy.state_dict()
    assert first[0] == 0.0
    same = {name for name in after if torch.equal(after[name], before[name])}
    assert {name for name in after if name.startswith("model.")} <= same
    eye = {name for name in after if name.startswith("vision") and name.endswith("weight")}
    assert not eye & same
    losses = [learner.step(5, 0, taught) for _ in range(12)]
    assert losses[-1][0] < 0.8 * losses[0][0]
    assert losses[-1][1] < first[1]
    assert _chart_error(learner, taught) < 0.8 * unseen, "what is where is learned beside them"


def _chart_error(learner: Learner, taught: Taught) -> float:
    with torch.no_grad():
        context = learner.policy.context(learner.policy.image_tokens(taught.images))
        return float(chart_error(learner.charter(context), taught.charts))


def test_what_is_written_is_what_plays(tmp_path: Path) -> None:
    """The file has the timeline, the games and how it is played; its answers are the policy's."""
    policy = fresh(3).eval()
    export(policy, replace(Recipe(), games=("runner", "maze")), tmp_path / "pocket.safetensors")
    loaded = load_policy(tmp_path / "pocket.safetensors")
    own = loaded.raw_config["nitropilot"]
    assert own == {"action_hz": 60.0, "actions": 8, "steps": 4, "games": ["runner", "maze"]}
    assert (loaded.steps, loaded.horizon, loaded.image_size) == (4, 16, 64)
    assert loaded.config.modality_cfg.action_shift == 1
    assert not loaded.is_random
    images, noise = torch.zeros(1, 1, 3, 64, 64), torch.randn(1, 16, 25)
    one, other = (each.sample(images, noise, steps=4) for each in (policy, loaded))
    assert torch.allclose(one, other, atol=0.1)
    assert (tmp_path / "pocket.safetensors").stat().st_size < 8_000_000


def test_the_held_out_game_is_one_of_them() -> None:
    """And the shares of those that are left are all of a batch."""
    four = replace(Recipe(), games=tuple(game for game in GAMES if game != HELD_OUT))
    assert len(four.games) == 4
    assert sum(four.shares().values()) == pytest.approx(1.0)
