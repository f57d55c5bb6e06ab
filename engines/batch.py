"""``make_batch``: requests to the arrays that the sampler graph (``policy.network.graph``) takes.

Whatever a client may get wrong is refused here, once for all engines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.engines.base import ActionChunk
from nitropilot.engines.errors import InferenceFailed
from nitropilot.policy.errors import ObservationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.engines.base import Array, PolicySpec, Prefix, Request

PADDING = 0
"""Row of the zero vector in the graph's table; game rows follow, then image tokens."""
UNCONDITIONAL = 0
"""Row of the game embedding that stands for no particular game."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs of the graph for R requests; B is R plus one twin for each guided request.

    Attributes:
        images: ``n x 3 x S x S`` float32, the frames that exist.
        order: ``B x L`` int32.
        noise: ``B x T x A`` float32.
        prefix: ``B x T x A`` float32.
        weights: ``B x T x 1`` float32.
        mix: ``B x B`` float32.
        size: R; the first R rows of the result are the answers.
    """

    images: Array
    order: NDArray[np.int32]
    noise: Array
    prefix: Array
    weights: Array
    mix: Array
    size: int


def make_batch(spec: PolicySpec, requests: Sequence[Request], max_batch: int) -> Batch:
    """Check the requests and lay them out.

    Raises:
        ObservationError: A number, a shape, a type or an option does not fit the policy.
    """
    if not 1 <= len(requests) <= max_batch:
        raise ObservationError(
            f"{len(requests)} requests at once", f"this engine takes 1 to {max_batch}"
        )
    for request in requests:
        check_request(spec, request)
    rows, twins = [], []
    first = 0  # number of the request's first frame among all frames
    for request in requests:
        kept = spec.frames - request.dropped
        rows.append(_order(spec, _game_row(spec, request.game), first, kept))
        if request.cfg_scale != 1.0:
            twins.append(_order(spec, UNCONDITIONAL, first, kept))
        first += kept
    guided = [i for i, request in enumerate(requests) if request.cfg_scale != 1.0]
    chosen = [*range(len(requests)), *guided]
    prefixes = [_prefix(spec, request.prefix) for request in requests]
    return Batch(
        images=np.concatenate([request.observation[request.dropped :] for request in requests]),
        order=np.array(rows + twins, np.int32),
        noise=np.stack([requests[i].noise for i in chosen]),
        prefix=np.stack([prefixes[i][0] for i in chosen]),
        weights=np.stack([prefixes[i][1] for i in chosen])[..., None],
        mix=_mix(requests, guided),
        size=len(requests),
    )


def chunks_of(actions: Array, size: int, seconds: dict[str, float]) -> list[ActionChunk]:
    """The answers in what the graph gave (``B x T x A``).

    Raises:
        InferenceFailed: They are not finite numbers.
    """
    if not np.isfinite(actions[:size]).all():
        raise InferenceFailed("the policy produced numbers that are not finite")
    return [ActionChunk(np.array(one, np.float32), dict(seconds)) for one in actions[:size]]


def check_request(spec: PolicySpec, request: Request) -> None:
    """Refuse a request that does not fit the policy."""
    side = spec.image_size
    _expect("observation", request.observation, (spec.frames, 3, side, side))
    _expect("noise", request.noise, (spec.horizon, spec.action_dim))
    if not 0 <= request.dropped < spec.frames:
        raise ObservationError(
            f"dropped is {request.dropped} of {spec.frames} frames",
            f"it must be from 0 to {spec.frames - 1}",
        )
    _game_row(spec, request.game)
    if not math.isfinite(request.cfg_scale):
        raise ObservationError(f"cfg_scale is {request.cfg_scale}", "give a finite number")
    if request.cfg_scale != 1.0 and not spec.game_rows:
        raise ObservationError(
            f"cfg_scale is {request.cfg_scale}, but this policy knows no games", "use 1"
        )
    if request.prefix is not None:
        _expect("prefix actions", request.prefix.actions, (spec.horizon, spec.action_dim))
        _expect("prefix weights", request.prefix.weights, (spec.horizon,))
        weights = request.prefix.weights
        if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.max() <= 1):
            raise ObservationError("prefix weights are not all from 0 to 1", "1 fixes, 0 is free")


def _expect(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.shape != shape or array.dtype != np.float32:
        raise ObservationError(
            f"{name} is {array.dtype} {array.shape}", f"this policy takes float32 {shape}"
        )


def _game_row(spec: PolicySpec, game: str | None) -> int:
    if game is None:
        return UNCONDITIONAL
    if not spec.game_rows:
        raise ObservationError(f"game is {game!r}, but this policy knows no games", "use None")
    if game not in spec.games:
        known = ", ".join(spec.games) or "not named in the checkpoint"
        raise ObservationError(f"the policy knows no game {game!r}", f"its games are {known}")
    return spec.games[game]


def _order(spec: PolicySpec, game_row: int, first: int, frames: int) -> list[int]:
    """Left padding, game token, image tokens of ``frames`` frames from number ``first``."""
    begin = 1 + spec.game_rows + first * spec.tokens_per_frame
    tokens = list(range(begin, begin + frames * spec.tokens_per_frame))
    game = [1 + game_row] if spec.game_rows else []
    padding = spec.sequence_length - len(game) - len(tokens)
    return [PADDING] * padding + game + tokens


def _prefix(spec: PolicySpec, prefix: Prefix | None) -> tuple[Array, Array]:
    if prefix is None:
        return (
            np.zeros((spec.horizon, spec.action_dim), np.float32),
            np.zeros(spec.horizon, np.float32),
        )
    free = prefix.weights[:, None] == 0  # whatever stands there, nan included
    actions = np.where(free, np.float32(0), prefix.actions)
    if not np.isfinite(actions).all():
        raise ObservationError("prefix actions are not finite", "leave rows of weight 0 empty")
    return actions, prefix.weights


def _mix(requests: Sequence[Request], guided: list[int]) -> Array:
    """How velocities are mixed: a request with guidance c gets ``(1 + c) v - c v_twin``."""
    mix = np.eye(len(requests) + len(guided), dtype=np.float32)
    for twin, i in enumerate(guided, len(requests)):
        scale = requests[i].cfg_scale
        for row in (i, twin):
            mix[row] = 0
            mix[row, i], mix[row, twin] = 1 + scale, -scale
    return mix
