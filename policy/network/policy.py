"""``Policy``: the NitroGen network and its sampler.

    frames   B x F x 3 x S x S ──> VisionEncoder ──> B x F*N x C tokens
    game     B rows            ──> embedding     ──> B x 1 x C token (only with games)
        [padding, game, tokens]  B x L x C  ──> Mixer ──> context  B x L x C
    noise    B x T x A         ──> K Euler steps of the velocity ──> actions B x T x A
        velocity: action encoder (with the timestep) ──> Dit (attends to context) ──> decoder

L is the checkpoint's ``max_sequence_length``; sequences are padded on the left with zero
vectors, and no attention mask is applied anywhere: padding takes part.  The sampler
integrates ``x' = velocity(x, t)`` from noise at t = 0 to actions at t = 1 (Lipman et al.
2023, flow matching).

Work is done once where once is enough.  The context, and the keys and values that the
DiT's cross-attention makes of it, depend on the frames alone; timestep embeddings,
adaptive norms and the timestep half of the action encoder depend on K alone.  The pieces
are public, so that every engine is built from this one graph:

    image_tokens(images)                            once a chunk
    context(tokens, rows, keep)                     once a chunk (twice with guidance)
    cross_keys_values(context)                      the same
    conditioning(steps)                             once
    velocity(x, step, keys_values, conditioning)    K times (2 K with guidance)

``keys_values`` is the first three of them and ``integrate`` the K velocities; ``sample``
checks its input and runs both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nitropilot.policy.errors import ObservationError
from nitropilot.policy.network.action_mlps import ActionDecoder, ActionEncoder
from nitropilot.policy.network.inputs import (
    check_guidance,
    check_images,
    check_noise,
    game_rows,
    kept_frames,
)
from nitropilot.policy.network.transformer import Dit, KeyValue, Mixer
from nitropilot.policy.network.vision import VisionEncoder

if TYPE_CHECKING:
    from nitropilot.policy.config import PolicyConfig

UNCONDITIONAL = 0
"""Row of the game embedding that stands for no particular game."""

Dropped = int | Sequence[bool] | Tensor | None
Game = str | int | Sequence[str | int] | None


@dataclass(frozen=True)
class Sizes:
    """Sizes that the configuration does not state and the stored tensors do.

    Attributes:
        vision_layers: Blocks of the vision encoder.
        vision_mlp: Hidden channels of their MLPs.
        game_rows: Rows of the game embedding, 0 without one.
    """

    vision_layers: int
    vision_mlp: int
    game_rows: int = 0


@dataclass(frozen=True)
class Conditioning:
    """What depends on the K timesteps alone.

    Attributes:
        time: Timestep half of the action encoder, bias included, K x W.
        blocks: Scale and shift of each DiT block, K x 2W each.
        out: Shift and scale of the DiT's output, K x 2W.
    """

    time: Tensor
    blocks: list[Tensor]
    out: Tensor

    @property
    def steps(self) -> int:
        """K."""
        return self.time.shape[0]


class Policy(nn.Module):
    """A NitroGen policy.

    Args:
        config: Its checkpoint's configuration.
        sizes: Its checkpoint's further sizes.

    Attributes:
        name: Where it comes from: a file's name, or ``random:...``.
        fingerprint: SHA-256 of the file, or of the recipe of random weights.
        is_random: Whether the weights were never trained.
        games: Game names and their rows, as far as they are known; may be set.
        raw_config: The ``ckpt_config`` as it was stored, training settings included.
    """

    def __init__(self, config: PolicyConfig, sizes: Sizes) -> None:
        super().__init__()
        model = config.model_cfg
        self.config = config
        self.sizes = sizes
        self.name = ""
        self.fingerprint = ""
        self.is_random = False
        self.raw_config: dict[str, Any] = {}
        self.games: Mapping[str, int] = config.games
        self.image_size = config.image_size
        self.frames = config.modality_cfg.frame_per_sample
        self.horizon = model.action_horizon
        self.action_dim = model.action_dim
        self.steps = config.nitropilot.steps or model.num_inference_timesteps
        width, context = model.hidden_size, model.vision_hidden_size
        self.vision_encoder = VisionEncoder(
            context,
            sizes.vision_layers,
            model.vision_heads,
            config.tokenizer_cfg.num_visual_tokens_per_frame,
            sizes.vision_mlp,
        )
        self.vl_self_attention_model = Mixer(model.vl_self_attention_cfg)
        self.model = Dit(model.diffusion_model_cfg, context)
        self.action_encoder = ActionEncoder(model.action_dim, width)
        self.action_decoder = ActionDecoder(
            model.diffusion_model_cfg.output_dim, width, model.action_dim
        )
        if model.add_pos_embed:
            self.position_embedding = nn.Embedding(model.max_seq_len, width)
        if sizes.game_rows:
            self.game_embedding = nn.Embedding(sizes.game_rows, context, padding_idx=UNCONDITIONAL)

    def image_tokens(self, images: Tensor) -> Tensor:
        """``B x F x 3 x S x S`` in [-1, 1] to ``B x F x N x C``."""
        tokens: Tensor = self.vision_encoder(images.flatten(0, 1))
        return tokens.reshape(*images.shape[:2], *tokens.shape[1:])

    def context(
        self, tokens: Tensor, rows: Tensor | None = None, keep: Tensor | None = None
    ) -> Tensor:
        """What the DiT attends to.

        Args:
            tokens: ``B x F x N x C``, from ``image_tokens``.
            rows: Rows of the game embedding, B; required with games.
            keep: Which frames exist, ``B x F`` bool; None for all.

        Returns:
            ``B x L x C``.
        """
        out: Tensor = self.vl_self_attention_model(self._sequence(tokens, rows, keep))
        return out

    def cross_keys_values(self, context: Tensor) -> list[KeyValue | None]:
        """The DiT's cross-attention keys and values; None for blocks that self-attend."""
        return self.model.cross_keys_values(context)

    def conditioning(self, steps: int) -> Conditioning:
        """Everything that depends on the timesteps of a K-step sampler alone."""
        buckets = self.config.model_cfg.num_timestep_buckets
        timesteps = torch.tensor(
            [int(step / steps * buckets) for step in range(steps)],
            device=self.action_encoder.W1.W.device,
        )
        blocks, out = self.model.modulations(timesteps)
        return Conditioning(self.action_encoder.time_half(timesteps), blocks, out)

    def velocity(
        self,
        x: Tensor,
        step: int,
        keys_values: list[KeyValue | None],
        conditioning: Conditioning,
    ) -> Tensor:
        """Where the actions ``x`` (``B x T x A``) move at sampler step ``step``; same shape."""
        tokens = self.action_encoder(x, conditioning.time[step])
        if self.config.model_cfg.add_pos_embed:
            tokens = tokens + self.position_embedding.weight[: x.shape[1]]
        modulations = [block[step] for block in conditioning.blocks]
        hidden = self.model(tokens, keys_values, modulations, conditioning.out[step])
        out: Tensor = self.action_decoder(hidden)
        return out

    @torch.inference_mode()
    def sample(
        self,
        images: Tensor,
        noise: Tensor | None = None,
        *,
        steps: int | None = None,
        game: Game = None,
        dropped: Dropped = None,
        cfg_scale: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Sample a chunk of actions.

        Args:
            images: ``B x F x 3 x S x S`` in [-1, 1], oldest frame first.
            noise: ``B x T x A`` standard normal; drawn when None.
            steps: Sampler steps K; default is the checkpoint's.
            game: A name, a row number, or one of these a sample; None is unconditional.
            dropped: Frames that do not exist: how many of the oldest, or a mask of
                shape ``F`` or ``B x F`` that is true for them.
            cfg_scale: Classifier-free guidance, ``v + cfg (v - v_unconditional)``; 1 is off.
            generator: Draws the noise.

        Returns:
            ``B x T x A``, raw channels (see ``policy.actions``).

        Raises:
            ObservationError: Something does not fit this policy.
        """
        parameter = self.action_encoder.W1.W
        images = check_images(images, self.frames, self.image_size).to(parameter)
        batch = images.shape[0]
        shape = (batch, self.horizon, self.action_dim)
        if noise is None:
            device = generator.device if generator is not None else parameter.device
            noise = torch.randn(shape, generator=generator, device=device)
        x = check_noise(noise, shape).to(parameter)
        count = self.steps if steps is None else steps
        if count < 1:
            raise ObservationError(f"steps is {count}", "at least one step is needed")
        kvs = self.keys_values(images, game, dropped, cfg_scale)
        return self.integrate(x, kvs, self.conditioning(count), cfg_scale)

    def keys_values(
        self, images: Tensor, game: Game = None, dropped: Dropped = None, cfg_scale: float = 1.0
    ) -> list[list[KeyValue | None]]:
        """All that a chunk needs of its frames: see ``sample`` for the arguments.

        Returns:
            The cross-attention keys and values, and with guidance those of the
            unconditional context as well.
        """
        batch = images.shape[0]
        rows = game_rows(game, self.games, self.sizes.game_rows, batch)
        rows = rows.to(images.device) if rows is not None else None
        keep = kept_frames(dropped, batch, self.frames)
        conditions = [rows]
        check_guidance(cfg_scale, rows is not None)
        if rows is not None and cfg_scale != 1.0:
            conditions.append(torch.full_like(rows, UNCONDITIONAL))
        tokens = self.image_tokens(images)
        return [self.cross_keys_values(self.context(tokens, one, keep)) for one in conditions]

    def integrate(
        self,
        x: Tensor,
        kvs: list[list[KeyValue | None]],
        conditioning: Conditioning,
        cfg_scale: float = 1.0,
    ) -> Tensor:
        """Euler steps from noise ``x`` to actions.

        Args:
            x: ``B x T x A`` noise.
            kvs: Keys and values of the context, and with guidance those of the
                unconditional context too.
            conditioning: Of the K timesteps.
            cfg_scale: Classifier-free guidance.
        """
        for step in range(conditioning.steps):
            v = self.velocity(x, step, kvs[0], conditioning)
            if len(kvs) > 1:
                v = v + cfg_scale * (v - self.velocity(x, step, kvs[1], conditioning))
            x = x + v / conditioning.steps
        return x

    def _sequence(self, tokens: Tensor, rows: Tensor | None, keep: Tensor | None) -> Tensor:
        """Padding, game token and image tokens side by side: ``B x L x C``."""
        length = self.config.tokenizer_cfg.max_sequence_length
        games = self.game_embedding(rows).unsqueeze(1) if rows is not None else None
        if keep is None:
            parts = [tokens.flatten(1, 2)] if games is None else [games, tokens.flatten(1, 2)]
            return _pad_left(torch.cat(parts, dim=1), length)
        sequences = []
        for i in range(tokens.shape[0]):
            kept = tokens[i][keep[i]].flatten(0, 1)
            parts = [kept] if games is None else [games[i], kept]
            sequences.append(_pad_left(torch.cat(parts).unsqueeze(0), length))
        return torch.cat(sequences)


def _pad_left(sequence: Tensor, length: int) -> Tensor:
    """Zero vectors before ``B x n x C`` until it is ``B x length x C``."""
    return F.pad(sequence, (0, 0, length - sequence.shape[1], 0))
