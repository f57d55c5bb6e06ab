"""What ``Policy.sample`` does with frames, games, guidance and noise."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

from nitropilot.policy import ObservationError
from tests.policy.samples import GAMES, movement_error, reference, relative_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.policy.network.policy import Policy

EXACT = 1e-5


def two_frames() -> tuple[torch.Tensor, torch.Tensor]:
    """Images and noise for ``gamer``: a batch of two."""
    wanted = reference("two_frames_game")
    return wanted.images, wanted.noise


# What the references cannot show


def test_norms_guard_against_zero_as_they_were_trained(single: Policy) -> None:
    """The references' tokens vary so much that another epsilon in vision does not show."""
    eps = {
        name: module.eps
        for name, module in single.named_modules()
        if isinstance(module, nn.LayerNorm)
    }
    vision = {value for name, value in eps.items() if name.startswith("vision_encoder.")}
    assert vision == {1e-6}
    assert {value for name, value in eps.items() if name.startswith("vl_self")} == {1e-5}
    assert {value for name, value in eps.items() if name.startswith("model.")} == {1e-5}


# Timesteps


@pytest.mark.parametrize("steps", [1, 3, 16])
def test_timesteps_are_cut_to_whole_buckets(single: Policy, steps: int) -> None:
    """Rounding instead of cutting shifts every timestep embedding a little."""
    seen: list[int] = []
    embedder = single.model.timestep_encoder
    hook = embedder.timestep_embedder.register_forward_pre_hook(
        lambda _, args: seen.extend(args[0].tolist())
    )
    with torch.inference_mode():
        assert single.conditioning(steps).steps == steps
    hook.remove()
    assert seen == [int(i / steps * 1000) for i in range(steps)]


def test_fewer_steps_may_be_asked_for(single: Policy) -> None:
    """A fast mode that silently ran all steps would be no faster."""
    wanted = reference("single_frame")
    quick = single.sample(wanted.images, wanted.noise, steps=2)
    assert movement_error(quick, wanted.actions, wanted.noise) > 1e-3


def count_calls(policy: Policy, run: Callable[[], object]) -> Counter[str]:
    """How often each module ran during ``run``."""
    calls: Counter[str] = Counter()
    hooks = []
    for name, module in policy.named_modules():

        def note(_: nn.Module, __: Any, ___: Any, name: str = name) -> None:
            calls[name] += 1

        hooks.append(module.register_forward_hook(note))
    run()
    for hook in hooks:
        hook.remove()
    return calls


@pytest.mark.parametrize(("scale", "contexts"), [(1.0, 1), (2.0, 2)])
def test_the_frame_is_looked_at_once(gamer: Policy, scale: float, contexts: int) -> None:
    """Vision at every step makes a chunk ten times as slow, and every result the same."""
    images, noise = two_frames()
    calls = count_calls(gamer, lambda: gamer.sample(images, noise, game="celeste", cfg_scale=scale))
    cross, own = "model.transformer_blocks.0.attn1", "model.transformer_blocks.1.attn1"
    assert calls["vision_encoder"] == 1
    assert calls["vl_self_attention_model"] == contexts
    assert calls[f"{cross}.to_k"] == calls[f"{cross}.to_v"] == contexts
    assert calls[f"{own}.to_k"] == calls[f"{cross}.to_q"] == contexts * gamer.steps
    assert calls["model.timestep_encoder.timestep_embedder"] == 1
    assert calls["model.transformer_blocks.0.norm1.linear"] == calls["model.proj_out_1"] == 1


# Frames that do not exist yet


@pytest.mark.parametrize(
    "dropped",
    [1, [True, False], torch.tensor([True, False]), torch.tensor([[True, False]] * 2)],
    ids=["count", "list", "mask", "mask-per-sample"],
)
def test_a_dropped_frame_leaves_no_trace(gamer: Policy, dropped: Any) -> None:
    """At the start of a game there is no older frame; noise in its place is not nothing."""
    images, noise = two_frames()
    other = images.clone()
    other[:, 0] = 0.7
    first = gamer.sample(images, noise, dropped=dropped)
    assert torch.equal(first, gamer.sample(other, noise, dropped=dropped))
    assert movement_error(first, gamer.sample(images, noise), noise) > 1e-3


@torch.inference_mode()
def test_sequences_are_padded_on_the_left_with_zeros(gamer: Policy) -> None:
    """Padding takes part in attention, so its place and its value change the actions."""
    images, _ = two_frames()
    rows = torch.tensor([1, 2])
    length = gamer.config.tokenizer_cfg.max_sequence_length
    tokens = gamer.image_tokens(images)
    game = gamer.game_embedding(rows).unsqueeze(1)
    newest = tokens[:, 1]
    padding = torch.zeros(2, length - 1 - newest.shape[1], newest.shape[2])
    wanted = gamer.vl_self_attention_model(torch.cat([padding, game, newest], dim=1))
    found = gamer.context(tokens, rows, torch.tensor([[False, True]] * 2))
    assert relative_error(found, wanted) < EXACT


def test_each_sample_drops_its_own_frames(gamer: Policy) -> None:
    """In a batch of players, one may have started later than the other."""
    images, noise = two_frames()
    mixed = gamer.sample(images, noise, dropped=torch.tensor([[True, False], [False, False]]))
    late = gamer.sample(images[:1], noise[:1], dropped=1)
    early = gamer.sample(images[1:], noise[1:])
    assert movement_error(mixed, torch.cat([late, early]), noise) < EXACT


def test_nothing_dropped_is_the_default(gamer: Policy) -> None:
    """Zero dropped frames must not fall into the slow path with another result."""
    images, noise = two_frames()
    assert torch.equal(gamer.sample(images, noise, dropped=0), gamer.sample(images, noise))


# Games and guidance


def test_a_game_changes_the_actions(gamer: Policy) -> None:
    """A condition that is ignored looks like a policy that is bad at the game."""
    images, noise = two_frames()
    celeste = gamer.sample(images, noise, game="celeste")
    hades = gamer.sample(images, noise, game="hades")
    assert movement_error(celeste, hades, noise) > 1e-3
    assert torch.equal(celeste, gamer.sample(images, noise, game=1))
    unconditional = gamer.sample(images, noise)
    assert torch.equal(unconditional, gamer.sample(images, noise, game="none"))


def test_each_sample_has_its_own_game(gamer: Policy) -> None:
    """A policy server answers players of different games in one batch."""
    images, noise = two_frames()
    mixed = gamer.sample(images, noise, game=["celeste", "hades"])
    alone = [
        gamer.sample(images[i : i + 1], noise[i : i + 1], game=game)
        for i, game in enumerate(("celeste", "hades"))
    ]
    assert movement_error(mixed, torch.cat(alone), noise) < EXACT


@torch.inference_mode()
def test_guidance_pushes_away_from_unconditional(gamer: Policy) -> None:
    """The other convention, v_u + s (v_c - v_u), is half as strong for the same number."""
    images, noise = two_frames()
    scale = 1.7
    tokens = gamer.image_tokens(images)
    kvs = [gamer.cross_keys_values(gamer.context(tokens, torch.full((2,), row))) for row in (1, 0)]
    conditioning = gamer.conditioning(gamer.steps)
    x = noise
    for step in range(gamer.steps):
        given, free = (gamer.velocity(x, step, kv, conditioning) for kv in kvs)
        x = x + (given + scale * (given - free)) / gamer.steps
    found = gamer.sample(images, noise, game="celeste", cfg_scale=scale)
    assert movement_error(found, x, noise) < EXACT
    unguided = gamer.sample(images, noise, game="celeste")
    assert movement_error(found, unguided, noise) > 1e-3


# Noise


def test_noise_follows_the_generator(single: Policy) -> None:
    """A recorded seed must bring back the recorded actions."""
    images = reference("single_frame").images

    def draw(seed: int) -> torch.Tensor:
        return single.sample(images, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(draw(5), draw(5))
    assert relative_error(draw(5), draw(6)) > 1e-3


def test_sampling_leaves_no_graph_behind(single: Policy) -> None:
    """A gradient graph kept per chunk fills the memory within a minute of play."""
    wanted = reference("single_frame")
    actions = single.sample(wanted.images, wanted.noise)
    assert actions.is_inference()
    assert not single.training


# Refusals

BAD_CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "four dimensions": ({"images": torch.zeros(2, 3, 64, 64)}, r"\(2, 3, 64, 64\).*\(batch, 2, 3"),
    "one frame too few": ({"images": torch.zeros(2, 1, 3, 64, 64)}, r"\(2, 1, 3, 64, 64\)"),
    "other size": ({"images": torch.zeros(2, 2, 3, 80, 80)}, r"80.*2, 3, 64, 64"),
    "empty batch": ({"images": torch.zeros(0, 2, 3, 64, 64)}, r"\(0, 2, 3, 64, 64\)"),
    "bytes": ({"images": torch.zeros(2, 2, 3, 64, 64, dtype=torch.uint8)}, "uint8"),
    "noise of another horizon": (
        {"noise": torch.zeros(2, 18, 25)},
        r"\(2, 18, 25\).*\(2, 16, 25\)",
    ),
    "noise of another batch": ({"noise": torch.zeros(1, 16, 25)}, r"\(1, 16, 25\).*\(2, 16, 25\)"),
    "whole noise": ({"noise": torch.zeros(2, 16, 25, dtype=torch.int64)}, "int64"),
    "unknown game": ({"game": "doom"}, "'doom'.*none, celeste, hades"),
    "row outside": ({"game": 3}, "3.*rows 0 to 2"),
    "negative row": ({"game": -1}, "-1"),
    "too many games": ({"game": ["celeste"] * 3}, "3 games for a batch of 2"),
    "more dropped than there are": ({"dropped": 3}, "3.*2 frames"),
    "fewer than none dropped": ({"dropped": -1}, "-1"),
    "mask of another length": ({"dropped": [True]}, r"\(1,\).*\(2,\)"),
    "mask of numbers": ({"dropped": [0, 1]}, "int64"),
    "mask of words": ({"dropped": ["old", "new"]}, "no mask"),
    "no steps": ({"steps": 0}, "steps is 0"),
    "guidance without a number": ({"cfg_scale": float("nan")}, "cfg_scale is nan"),
    "endless guidance": ({"cfg_scale": float("inf")}, "cfg_scale is inf"),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_misfits_are_named(gamer: Policy, case: str) -> None:
    """A wrong shape that broadcasts gives actions for a picture nobody saw."""
    arguments, message = BAD_CALLS[case]
    images, noise = two_frames()
    with pytest.raises(ObservationError) as caught:
        gamer.sample(**{"images": images, "noise": noise} | arguments)
    assert_matches(caught.value, message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"game": "celeste"}, "'celeste'.*no games"), ({"cfg_scale": 2.0}, "2.0.*no games")],
)
def test_a_policy_without_games_says_so(
    single: Policy, arguments: dict[str, Any], message: str
) -> None:
    """Ignoring the game or the guidance would be a silent fallback."""
    wanted = reference("single_frame")
    with pytest.raises(ObservationError) as caught:
        single.sample(wanted.images, wanted.noise, **arguments)
    assert_matches(caught.value, message)


def test_a_policy_shows_what_it_takes(gamer: Policy) -> None:
    """Engines and the API are built from these facts."""
    assert (gamer.image_size, gamer.frames, gamer.horizon) == (64, 2, 16)
    assert (gamer.action_dim, gamer.steps, gamer.games) == (25, 16, GAMES)


def assert_matches(error: ObservationError, pattern: str) -> None:
    """The one line that a user sees."""
    assert re.search(pattern, error.line()), error.line()
