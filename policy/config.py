"""``PolicyConfig``: every size and switch of a NitroGen policy, from its checkpoint.

A checkpoint carries a ``ckpt_config`` dict with ``model_cfg``, ``tokenizer_cfg`` and
``modality_cfg``.  Nothing is assumed: what the network needs is read from there and
checked against bounds, so that a hostile file cannot ask for absurd sizes.  Settings
that only steer training are listed in ``TRAINING_ONLY`` and accepted unread; any other
unknown key is an error, because ignoring it could mean computing something else.
Switches whose other values this network does not implement are spelt as ``Literal``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    model_validator,
)

from nitropilot.policy.errors import CheckpointError, quoted
from nitropilot.policy.sizes import PATCH
from nitropilot.policy.steps_rows import StepsRow, require_once

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SHOWN = 3
HEAD_SIZES = {"so400m": 72, "giant-opt": 96}
"""Head size of SigLIP encoders by a part of their name; base and large have 64."""
DEFAULT_HEAD_SIZE = 64

TRAINING_ONLY = frozenset(
    {
        "model_dtype", "compute_dtype", "upcast_attention",  # precision: float32 here
        "dropout", "final_dropout", "training",  # dropout is off when playing
        "noise_beta_alpha", "noise_beta_beta", "noise_s",  # the training objective
        "tune_vision_tower", "tune_mm_projector", "tune_diffusion_model",
        "tune_multi_projector", "tune_vl_mixing",  # what training froze
        "num_embeds_ada_norm",  # sizes a table that this norm does not have
    }
)  # fmt: skip
"""Keys that change training, storage or bookkeeping, never the actions in float32."""

Width = Annotated[int, Field(ge=1, le=16384)]
Layers = Annotated[int, Field(ge=0, le=256)]
Count = Annotated[int, Field(ge=1, le=65536)]
Tokens = Annotated[int, Field(ge=1, le=16384)]


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("a name has letters that cannot be shown")
    return name


GameName = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_training_keys(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {k: v for k, v in values.items() if k not in TRAINING_ONLY}


class TransformerConfig(_Section):
    """A stack of attention blocks: the mixer or the DiT.

    Attributes:
        num_attention_heads: Heads; the width is heads times ``attention_head_dim``.
        attention_head_dim: Size of a head.
        output_dim: Channels out of the DiT; unused in the mixer.
        num_layers: Blocks.
        attention_bias: Whether q, k and v have a bias.
        positional_embeddings: ``"sinusoidal"`` adds positions in every block.
        interleave_self_attention: Odd blocks of the DiT attend to the actions themselves.
        cross_attention_dim: Width of what the DiT attends to; None in the mixer.
    """

    num_attention_heads: Annotated[int, Field(ge=1, le=256)]
    attention_head_dim: Annotated[int, Field(ge=1, le=1024)]
    output_dim: Width
    num_layers: Layers
    attention_bias: Literal[True] = True
    activation_fn: Literal["gelu-approximate"] = "gelu-approximate"
    norm_type: Literal["ada_norm"] = "ada_norm"
    norm_elementwise_affine: Literal[False] = False
    norm_eps: Annotated[float, Field(gt=0, le=0.1)] = 1e-5
    max_num_positional_embeddings: Count = 512
    positional_embeddings: Literal["sinusoidal"] | None = None
    interleave_self_attention: bool = False
    cross_attention_dim: Width | None = None

    @property
    def width(self) -> int:
        """Channels of a token."""
        return self.num_attention_heads * self.attention_head_dim


class ModelConfig(_Section):
    """The network (``model_cfg``)."""

    diffusion_model_cfg: TransformerConfig
    vl_self_attention_cfg: TransformerConfig
    hidden_size: Width
    max_seq_len: Count
    action_dim: Annotated[int, Field(ge=1, le=1024)]
    action_horizon: Annotated[int, Field(ge=1, le=1024)]
    add_pos_embed: bool = True
    num_timestep_buckets: Annotated[int, Field(ge=1, le=1_000_000)]
    num_inference_timesteps: Annotated[int, Field(ge=1, le=1000)]
    max_num_embodiments: Literal[1] = 1
    model_type: Literal["nitrogen"] = "nitrogen"
    vision_encoder_name: Annotated[str, Field(min_length=1, max_length=200)]
    vision_hidden_size: Width
    add_view_embed: Literal[False] = False

    @model_validator(mode="after")
    def _sizes_fit(self) -> ModelConfig:
        dit, mixer = self.diffusion_model_cfg, self.vl_self_attention_cfg
        if mixer.width != self.vision_hidden_size:
            raise ValueError(
                f"the mixer is {mixer.width} wide, the vision encoder {self.vision_hidden_size}"
            )
        if dit.width != self.hidden_size:
            raise ValueError(f"the DiT is {dit.width} wide, its tokens {self.hidden_size}")
        if dit.cross_attention_dim not in (None, mixer.width):
            raise ValueError(
                f"the DiT attends to width {dit.cross_attention_dim}, the mixer has {mixer.width}"
            )
        if self.add_pos_embed and self.action_horizon > self.max_seq_len:
            raise ValueError(
                f"action_horizon {self.action_horizon} exceeds max_seq_len {self.max_seq_len}"
            )
        if self.hidden_size % 2:
            raise ValueError(f"hidden_size {self.hidden_size} is odd: it holds sines and cosines")
        if self.vision_hidden_size % self.vision_heads:
            raise ValueError(
                f"vision_hidden_size {self.vision_hidden_size} does not divide into "
                f"{self.vision_heads} heads"
            )
        _fits_positions("action_horizon", self.action_horizon, dit)
        return self

    @property
    def vision_heads(self) -> int:
        """Attention heads of the vision encoder (see ``HEAD_SIZES``)."""
        name = self.vision_encoder_name.lower()
        size = next((s for part, s in HEAD_SIZES.items() if part in name), DEFAULT_HEAD_SIZE)
        return max(self.vision_hidden_size // size, 1)


class TokenizerConfig(_Section):
    """How frames and the game become a sequence (``tokenizer_cfg``)."""

    tokenizer_id: Literal["nitrogen"] = "nitrogen"
    num_visual_tokens_per_frame: Tokens
    max_action_dim: Annotated[int, Field(ge=1, le=1024)]
    max_sequence_length: Tokens
    action_horizon: Annotated[int, Field(ge=1, le=1024)]
    game_mapping_cfg: dict[str, Any] | None = None
    old_layout: bool = False


class ModalityConfig(_Section):
    """How frames and actions belong together (``modality_cfg``)."""

    frame_per_sample: Annotated[int, Field(ge=1, le=64)]
    frame_spacing: Annotated[int, Field(ge=0, le=10_000)] = 1
    action_per_chunk: Annotated[int, Field(ge=1, le=1024)]
    action_shift: Annotated[int, Field(ge=0, le=10_000)] = 1
    action_interleaving: Literal[False] = False
    token_set: Literal["new"] = "new"  # noqa: S105 - a vocabulary, not a secret


class OwnConfig(_Section):
    """What the published format has no place for (``nitropilot``); all of it may be missing.

    Attributes:
        action_hz: Ticks a second of the labels that the policy was trained with.
        actions: How many actions of a chunk are played before the next decision, where nobody
            says otherwise.
        steps: Sampler steps, in place of ``num_inference_timesteps``.
        games: Names of the games that it was trained on.
        steps_table: How it plays with other numbers of steps, as far as that was measured.
    """

    action_hz: Annotated[float, Field(ge=1, le=1000)] | None = None
    actions: Annotated[int, Field(ge=1, le=1024)] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    games: Annotated[tuple[GameName, ...], Field(max_length=5000), Strict(False)] | None = None
    steps_table: Annotated[tuple[StepsRow, ...], Field(max_length=500), Strict(False)] = ()


class PolicyConfig(_Section):
    """A checkpoint's whole ``ckpt_config``."""

    experiment_name: Annotated[str, Field(max_length=1000)] = ""
    model_cfg: ModelConfig
    tokenizer_cfg: TokenizerConfig
    modality_cfg: ModalityConfig
    nitropilot: OwnConfig = OwnConfig()

    @model_validator(mode="after")
    def _agree(self) -> PolicyConfig:
        tokens, model = self.tokenizer_cfg, self.model_cfg
        side = math.isqrt(tokens.num_visual_tokens_per_frame)
        if side * side != tokens.num_visual_tokens_per_frame:
            raise ValueError(
                f"{tokens.num_visual_tokens_per_frame} tokens a frame do not form a square"
            )
        needed = self.modality_cfg.frame_per_sample * tokens.num_visual_tokens_per_frame
        if needed > tokens.max_sequence_length:
            raise ValueError(
                f"the sequence needs {needed} tokens, max_sequence_length is "
                f"{tokens.max_sequence_length}"
            )
        _fits_positions(
            "max_sequence_length", tokens.max_sequence_length, model.vl_self_attention_cfg
        )
        if tokens.action_horizon != model.action_horizon:
            raise ValueError(
                f"action_horizon is {model.action_horizon} and {tokens.action_horizon}"
            )
        require_once(self.nitropilot.steps_table)
        if (actions := self.nitropilot.actions or 0) > model.action_horizon:
            raise ValueError(
                f"{actions} actions of a chunk are to be played, and it has {model.action_horizon}"
            )
        return self

    @property
    def image_size(self) -> int:
        """Side S of the square observation in pixels."""
        return PATCH * math.isqrt(self.tokenizer_cfg.num_visual_tokens_per_frame)

    @property
    def games(self) -> dict[str, int]:
        """Row of the game embedding by name, as far as the checkpoint names its games.

        Published configs may point to files of their training machine instead of holding
        the names; then this is empty, and rows are given by number or named when loading.
        """
        section = self.tokenizer_cfg.game_mapping_cfg or {}
        named = all(type(row) is int and row >= 0 for row in section.values())
        return dict(section) if named else {}


def parse_config(raw: object, source: str = "ckpt_config") -> PolicyConfig:
    """Check and freeze a ``ckpt_config``.

    Args:
        raw: The plain dict.
        source: Where it comes from, for the error.

    Raises:
        CheckpointError: Names the keys that are missing, unknown or unsupported, with
            their values and what is supported.
    """
    try:
        return PolicyConfig.model_validate(raw)
    except ValidationError as error:
        faults = [_fault(detail) for detail in error.errors(include_url=False)]
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise CheckpointError(
            f"{source}: {'; '.join(faults[:SHOWN])}{more}",
            "this file is not a NitroGen checkpoint, or a newer kind than this version knows",
        ) from None


def _fault(detail: ErrorDetails) -> str:
    """One fault that pydantic found: where, what, and the value if it is a plain one."""
    key = ".".join(quoted(part).strip("'") for part in detail["loc"]) or "the whole"
    if detail["type"] == "extra_forbidden":
        return f"{key} is unknown"
    if detail["type"] == "missing":
        return f"{key} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    value = detail.get("input")
    return f"{key}: {message}" + ("" if isinstance(value, dict) else f" (it is {quoted(value)})")


def _fits_positions(name: str, length: int, stack: TransformerConfig) -> None:
    """Raise unless a stack with stored positions has one for each of ``length`` tokens."""
    most = stack.max_num_positional_embeddings
    if stack.positional_embeddings is not None and length > most:
        raise ValueError(f"{name} {length} exceeds max_num_positional_embeddings {most}")
