"""What a checkpoint's ``ckpt_config`` may say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from nitropilot.policy import CheckpointError
from nitropilot.policy.config import TRAINING_ONLY, parse_config
from tests.policy.samples import NAMES, checkpoint

MODEL, TOKENS, FRAMES = "model_cfg", "tokenizer_cfg", "modality_cfg"
DIT, MIXER = f"{MODEL}.diffusion_model_cfg", f"{MODEL}.vl_self_attention_cfg"
GONE = object()


def changed(path: str, value: object) -> dict[str, Any]:
    """The configuration of ``single_frame`` with one key set, or taken away for ``GONE``."""
    config: dict[str, Any] = checkpoint()["ckpt_config"]
    *sections, last = path.split(".")
    section = config
    for name in sections:
        section = section[name]
    if value is GONE:
        del section[last]
    else:
        section[last] = value
    return config


@pytest.mark.parametrize("name", NAMES)
def test_published_kinds_of_configuration_are_read(name: str) -> None:
    """Every key of a real configuration is known: none is skipped by accident."""
    config = checkpoint(name)["ckpt_config"]
    assert parse_config(config).image_size == 64
    assert parse_config(json.loads(json.dumps(config))) == parse_config(config)


BAD: dict[str, tuple[str, object, str]] = {
    # missing, unknown, of another type
    "no model": (MODEL, GONE, "model_cfg is missing"),
    "no horizon": (f"{MODEL}.action_horizon", GONE, "model_cfg.action_horizon is missing"),
    "unknown key": (f"{MODEL}.use_rotary", True, "model_cfg.use_rotary is unknown"),
    "unknown section": ("audio_cfg", {}, "audio_cfg is unknown"),
    "text for a number": (f"{DIT}.num_layers", "3", "num_layers.*'3'"),
    "fraction": (f"{DIT}.num_layers", 2.5, "num_layers.*2.5"),
    "list for a section": (TOKENS, [1], "tokenizer_cfg"),
    "number for a switch": (f"{DIT}.interleave_self_attention", 1, "interleave_self_attention"),
    # unsupported values, with what is supported
    "rotary": (f"{MIXER}.positional_embeddings", "rope", "rope.*sinusoidal|sinusoidal.*rope"),
    "activation": (f"{DIT}.activation_fn", "geglu", "gelu-approximate.*geglu"),
    "norm": (f"{DIT}.norm_type", "layer_norm", "ada_norm.*layer_norm"),
    "affine norm": (f"{DIT}.norm_elementwise_affine", True, "norm_elementwise_affine.*False.*True"),
    "no bias": (f"{DIT}.attention_bias", False, "attention_bias.*True.*False"),
    "embodiments": (f"{MODEL}.max_num_embodiments", 32, "max_num_embodiments.*1.*32"),
    "views": (f"{MODEL}.add_view_embed", True, "add_view_embed"),
    "other model": (f"{MODEL}.model_type", "gr00t", "nitrogen.*gr00t"),
    "other buttons": (f"{FRAMES}.token_set", "old", "'new'.*'old'"),
    "interleaved actions": (f"{FRAMES}.action_interleaving", True, "action_interleaving"),
    # sizes that no machine has
    "huge depth": (f"{DIT}.num_layers", 10**6, "num_layers.*256.*1000000"),
    "huge mixer": (f"{MIXER}.num_layers", 10**6, "num_layers.*256"),
    "huge width": (f"{MODEL}.hidden_size", 2**40, "hidden_size.*16384"),
    "huge vision": (f"{MODEL}.vision_hidden_size", 2**40, "vision_hidden_size.*16384"),
    "huge sequence": (f"{TOKENS}.max_sequence_length", 10**9, "max_sequence_length.*16384"),
    "huge picture": (f"{TOKENS}.num_visual_tokens_per_frame", 2**30, "per_frame.*16384"),
    "huge horizon": (f"{MODEL}.action_horizon", 10**9, "action_horizon.*1024"),
    "endless steps": (f"{MODEL}.num_inference_timesteps", 10**9, "num_inference_timesteps.*1000"),
    "many frames": (f"{FRAMES}.frame_per_sample", 10**6, "frame_per_sample.*64"),
    "no steps": (f"{MODEL}.num_inference_timesteps", 0, "num_inference_timesteps.*0"),
    "negative layers": (f"{DIT}.num_layers", -1, "num_layers.*-1"),
    "norm of nothing": (f"{DIT}.norm_eps", float("nan"), "norm_eps.*nan"),
    # sizes that do not fit each other
    "mixer is wider": (f"{MIXER}.num_attention_heads", 2, "mixer is 128 wide.*encoder 64"),
    "DiT is wider": (f"{DIT}.num_attention_heads", 2, "DiT is 128 wide.*tokens 64"),
    "DiT attends elsewhere": (f"{DIT}.cross_attention_dim", 96, "width 96.*mixer has 64"),
    "two horizons": (f"{TOKENS}.action_horizon", 18, "action_horizon is 16 and 18"),
    "no square": (f"{TOKENS}.num_visual_tokens_per_frame", 15, "15 tokens.*square"),
    "sequence too short": (f"{TOKENS}.max_sequence_length", 15, "needs 16 tokens.*15"),
    "positions run out": (f"{MODEL}.max_seq_len", 8, "action_horizon 16 exceeds max_seq_len 8"),
}


@pytest.mark.parametrize("case", BAD)
def test_faults_are_named(case: str) -> None:
    """What is ignored here is computed wrong later, or fills the memory."""
    path, value, message = BAD[case]
    with pytest.raises(CheckpointError, match=message):
        parse_config(changed(path, value))


def test_stored_positions_must_reach() -> None:
    """A table shorter than the sequence broke only when the first frame came."""
    config = changed(f"{MIXER}.positional_embeddings", "sinusoidal")
    config[MODEL]["vl_self_attention_cfg"]["max_num_positional_embeddings"] = 8
    with pytest.raises(CheckpointError, match="16 exceeds max_num_positional_embeddings 8"):
        parse_config(config)


@pytest.mark.parametrize(
    ("width", "message"),
    [
        ({f"{DIT}.attention_head_dim": 63, f"{MODEL}.hidden_size": 63}, "hidden_size 63 is odd"),
        (
            {
                f"{DIT}.cross_attention_dim": 200,
                f"{MIXER}.attention_head_dim": 200,
                f"{MODEL}.vision_hidden_size": 200,
            },
            "200 does not divide into 3 heads",
        ),
    ],
)
def test_widths_must_divide(width: dict[str, int], message: str) -> None:
    """Such widths broke only when the first frame came."""
    config = checkpoint()["ckpt_config"]
    for path, value in width.items():
        *sections, last = path.split(".")
        section = config
        for name in sections:
            section = section[name]
        section[last] = value
    with pytest.raises(CheckpointError, match=message):
        parse_config(config)


def test_an_experiment_name_is_short_text() -> None:
    """``policies inspect`` prints it; it is no place for other things."""
    for value in (3, "x" * 2000, "\ud800"):
        with pytest.raises(CheckpointError, match="experiment_name"):
            parse_config(changed("experiment_name", value))


def test_all_unknown_keys_are_told_at_once() -> None:
    """One key per attempt makes a long afternoon."""
    config = changed(f"{MODEL}.one", 1)
    config[TOKENS]["two"] = 2
    for i in range(7):
        config[FRAMES][f"more{i}"] = 0
    with pytest.raises(CheckpointError, match=r"model_cfg.one.*tokenizer_cfg.two.* and 6 more"):
        parse_config(config)


@pytest.mark.parametrize("key", ["\x1b]0;owned\x07", "\x1b[2J" * 200, "a\nb"])
def test_a_hostile_key_cannot_write_to_the_terminal(key: str) -> None:
    """Escape codes in an error line can retitle, clear or forge a terminal."""
    with pytest.raises(CheckpointError) as caught:
        parse_config(changed(f"{MODEL}.{key}", 1))
    assert str(caught.value).isprintable()
    assert len(caught.value.line()) < 400


@pytest.mark.parametrize("raw", [None, [], "text", 5, {}, {5: 1}])
def test_what_is_no_configuration_is_refused(raw: object) -> None:
    """Any object may sit where the configuration should be."""
    with pytest.raises(CheckpointError):
        parse_config(raw)


@pytest.mark.parametrize("key", sorted(TRAINING_ONLY - {"experiment_name"}))
def test_training_settings_may_say_anything(key: str) -> None:
    """A checkpoint trained in another way plays the same; refusing it helps nobody."""
    assert parse_config(changed(f"{MODEL}.{key}", "whatever")) == parse_config(
        checkpoint()["ckpt_config"]
    )


@pytest.mark.parametrize(
    ("name", "width", "heads"),
    [
        ("google/siglip2-large-patch16-256", 1024, 16),
        ("google/siglip2-base-patch16-224", 768, 12),
        ("google/siglip2-so400m-patch16-256", 1152, 16),
        ("google/siglip2-giant-opt-patch16-256", 1536, 16),
        ("fixture", 64, 1),
        ("fixture", 16, 1),
    ],
)
def test_vision_heads_are_those_of_the_encoder(name: str, width: int, heads: int) -> None:
    """The file does not hold the number of heads, and another one computes nonsense quietly."""
    config = changed(f"{MODEL}.vision_encoder_name", name)
    config[MODEL]["vision_hidden_size"] = width
    config[MODEL]["vl_self_attention_cfg"].update(num_attention_heads=1, attention_head_dim=width)
    config[MODEL]["diffusion_model_cfg"]["cross_attention_dim"] = width
    if width > 1024:
        config[MODEL]["vl_self_attention_cfg"].update(
            num_attention_heads=16, attention_head_dim=width // 16
        )
    assert parse_config(config).model_cfg.vision_heads == heads


def test_games_are_named_or_numbered() -> None:
    """Published configurations point to files of their training machine instead of names."""
    named = changed(f"{TOKENS}.game_mapping_cfg", {"none": 0, "celeste": 1})
    assert parse_config(named).games == {"none": 0, "celeste": 1}
    paths = changed(f"{TOKENS}.game_mapping_cfg", {"src_files": ["/data/games.parquet"]})
    assert parse_config(paths).games == {}


def test_a_configuration_cannot_be_changed() -> None:
    """A size changed after the weights were built describes another network."""
    config = parse_config(checkpoint()["ckpt_config"])
    with pytest.raises(ValidationError, match="frozen"):
        config.model_cfg.action_horizon = 3


def test_what_a_policy_says_of_its_play() -> None:
    """A file that says nothing plays as before; one that does is believed within its own sizes."""
    plain = parse_config(checkpoint()["ckpt_config"])
    own = plain.nitropilot
    assert (own.action_hz, own.actions, own.steps, own.games) == (None, None, None, None)
    horizon = plain.model_cfg.action_horizon
    said = {"actions": horizon, "steps": 4, "games": ["runner", "road"]}
    told = parse_config(changed("nitropilot", said)).nitropilot
    assert (told.actions, told.steps, told.games) == (horizon, 4, ("runner", "road"))
    for wrong, line in (
        ({"actions": horizon + 1}, f"{horizon + 1} actions of a chunk are to be played"),
        ({"actions": 0}, "nitropilot.actions"),
        ({"steps": 0}, "nitropilot.steps"),
        ({"games": ["a\nb"]}, "letters that cannot be shown"),
        ({"games": [""]}, "nitropilot.games"),
        ({"moves": 3}, "nitropilot.moves is unknown"),
    ):
        with pytest.raises(CheckpointError, match=line):
            parse_config(changed("nitropilot", wrong))
