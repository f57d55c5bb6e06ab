"""``TorchEngine``: the policy in plain PyTorch, on the CPU or on a CUDA device.

What depends on the frames alone (vision, mixer, cross-attention keys and values) runs
once a chunk; what depends on the timesteps alone (adaptive norms, the timestep half of
the action encoder) once in the engine's life.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from engines.base import ActionChunk, Engine, EngineInfo, PolicySpec
from engines.errors import InferenceFailed

if TYPE_CHECKING:
    from torch import Tensor

    from engines.base import Array
    from policy.network import Conditioning, Policy


SMALL = 20_000_000
"""Policies with fewer parameters run on one processor thread: the layers are so short
that waiting for each other would take longer than the work itself."""


class TorchEngine(Engine):
    """Runs a policy where its weights are.

    Args:
        policy: The policy, in float32, on its device.
        reason: Why this engine was chosen, for status and doctor.
    """

    def __init__(self, policy: Policy, reason: str = "asked for") -> None:
        self.spec = policy_spec(policy)
        self._device = next(policy.parameters()).device
        size = sum(parameter.numel() for parameter in policy.parameters())
        self._threads = 1 if size < SMALL else torch.get_num_threads()
        place = self._device.type
        if place == "cpu":
            place = f"cpu, {self._threads} thread{'s' if self._threads > 1 else ''}"
        self.info = EngineInfo("torch", place, "float32", reason)
        with torch.inference_mode():
            conditioning = policy.conditioning(policy.steps)
        self._loaded: tuple[Policy, Conditioning] | None = (policy, conditioning)

    @torch.inference_mode()
    def infer(
        self,
        observation: Array,
        noise: Array,
        *,
        dropped: int = 0,
        game: str | None = None,
        cfg_scale: float = 1.0,
    ) -> ActionChunk:
        """As ``Engine.infer``."""
        policy, conditioning = self._open()
        torch.set_num_threads(self._threads)  # belongs to the calling thread
        self.check_input(observation, noise, dropped)
        images = self._tensor(observation)
        began = time.perf_counter()
        try:
            kvs = policy.keys_values(images, game, dropped, cfg_scale)
            seen = self._now()
            x = self._tensor(noise)
            x = policy.integrate(x, kvs, conditioning, cfg_scale)
            actions = x[0].cpu().numpy()
        except RuntimeError as error:  # out of memory, a lost device
            reason = str(error).split("\n")[0]
            raise InferenceFailed(f"torch on {self._device}: {reason}") from error
        if not np.isfinite(actions).all():
            raise InferenceFailed("the policy produced numbers that are not finite")
        return ActionChunk(actions, {"vision": seen - began, "sampler": self._now() - seen})

    def close(self) -> None:
        """Drop the weights."""
        self._loaded = None

    def _open(self) -> tuple[Policy, Conditioning]:
        if self._loaded is None:
            raise InferenceFailed("the engine is closed", "load the policy again")
        return self._loaded

    def _tensor(self, array: Array) -> Tensor:
        """A batch of one; copied, because the caller's memory may be read-only or reversed."""
        return torch.from_numpy(np.array(array[None], order="C")).to(self._device)

    def _now(self) -> float:
        """The time, once the device has done what was asked of it."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def policy_spec(policy: Policy) -> PolicySpec:
    """What the outside needs to know of ``policy``."""
    return PolicySpec(
        name=policy.name,
        fingerprint=policy.fingerprint,
        is_random=policy.is_random,
        image_size=policy.image_size,
        frames=policy.frames,
        horizon=policy.horizon,
        action_dim=policy.action_dim,
        steps=policy.steps,
        games=tuple(policy.games),
        old_layout=policy.config.tokenizer_cfg.old_layout,
    )
