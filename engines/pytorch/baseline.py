"""``BaselineEngine``: the plain way to run a policy, to measure the others against.

As a straightforward implementation does it, and the published one too: PyTorch, one
operator after the other, and in each of the K steps the mixer, the keys and values of the
cross-attention, the timestep's embedding and the adaptive norms anew.  Only the vision
encoder runs once a chunk.  The chooser never takes it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from nitropilot.engines.base import ActionChunk, Engine, EngineInfo
from nitropilot.engines.batch import UNCONDITIONAL, check_request, chunks_of
from nitropilot.engines.errors import InferenceFailed
from nitropilot.engines.pytorch.engine import failure
from nitropilot.engines.spec import policy_spec
from nitropilot.policy.errors import ObservationError
from nitropilot.policy.network.inputs import game_rows, kept_frames
from nitropilot.policy.network.policy import Conditioning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from nitropilot.engines.base import Request
    from nitropilot.policy.network.policy import Policy


class BaselineEngine(Engine):
    """Runs a policy the plain way.

    Args:
        policy: The policy; it is moved to the device and changed to the type.
        device: ``"cpu"`` or ``"cuda"``.
        dtype: What it computes in; the baseline of the bars is float32.
    """

    joins = False

    def __init__(
        self, policy: Policy, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.spec = policy_spec(policy)
        self._device, self._dtype = torch.device(device), dtype
        self._policy: Policy | None = policy.to(self._device, dtype)
        place = "cpu" if device == "cpu" else f"cuda ({torch.cuda.get_device_name(0)})"
        precision = str(dtype).removeprefix("torch.")
        self.info = EngineInfo("baseline", place, precision, "what the others are compared with")

    @torch.inference_mode()
    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``, for one request without a prefix."""
        if self._policy is None:
            raise InferenceFailed("the engine is closed", "load the policy again")
        if len(requests) != 1 or requests[0].prefix is not None:
            raise ObservationError(
                f"{len(requests)} requests", "the baseline takes 1, without a prefix"
            )
        (request,) = requests
        began = time.perf_counter()
        check_request(self.spec, request)
        try:
            images, noise = (
                torch.from_numpy(array)[None].to(self._device, self._dtype)
                for array in (request.observation, request.noise)
            )
            ready = time.perf_counter()
            tokens = self._policy.image_tokens(images)
            self._wait()
            seen = time.perf_counter()
            actions = _integrate(self._policy, noise, _contexts(self._policy, tokens, request),
                                 request.cfg_scale).float().cpu()  # fmt: skip
        except RuntimeError as error:
            raise failure(f"the baseline on {self._device}", error) from error
        seconds = {
            "preprocess": ready - began,
            "vision": seen - ready,
            "sampler": time.perf_counter() - seen,
        }
        return chunks_of(actions.numpy(), 1, seconds)

    def close(self) -> None:
        """Drop the weights."""
        self._policy = None

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()


def _contexts(policy: Policy, tokens: Tensor, request: Request) -> list[Callable[[], Tensor]]:
    """What makes the context, and with guidance the unconditional one: the mixer at work."""
    rows = game_rows(request.game, policy.games, policy.sizes.game_rows, 1)
    keep = kept_frames(request.dropped, 1, policy.frames)
    conditions = [rows.to(tokens.device) if rows is not None else None]
    if rows is not None and request.cfg_scale != 1.0:
        conditions.append(torch.full_like(rows, UNCONDITIONAL, device=tokens.device))
    return [lambda one=one: policy.context(tokens, one, keep) for one in conditions]  # type: ignore[misc]


def _integrate(
    policy: Policy, x: Tensor, contexts: list[Callable[[], Tensor]], cfg_scale: float
) -> Tensor:
    """As ``Policy.integrate``, with nothing kept from one step to the next."""
    for step in range(policy.steps):
        now = _conditioning(policy, step)
        found = [
            policy.velocity(x, 0, policy.cross_keys_values(context()), now) for context in contexts
        ]
        v = found[0] if len(found) == 1 else found[0] + cfg_scale * (found[0] - found[1])
        x = x + v / policy.steps
    return x


def _conditioning(policy: Policy, step: int) -> Conditioning:
    """Everything that depends on the timestep of one step."""
    buckets = policy.config.model_cfg.num_timestep_buckets
    timestep = torch.tensor(
        [int(step / policy.steps * buckets)], device=policy.action_encoder.W1.W.device
    )
    blocks, out = policy.model.modulations(timestep)
    return Conditioning(policy.action_encoder.time_half(timestep), blocks, out)
