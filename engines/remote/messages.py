"""What the remote engine sends for a request, and what it believes of the answer.

request   images          n x 3 x S x S, the frames that exist: float32 in [-1, 1], or
                          uint8 planes of 0 to 255 where that says the same
          noise           T x A float32
          game, cfg_scale, prefix_actions (T x A), prefix_weights (T)    where they matter
answer    actions         T x A float32
          server_timing   {"infer_ms", "queue_ms", "batch"}
a text frame              {"error": {"code", "message", "hint"}}
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.engines.base import ActionChunk
from nitropilot.engines.errors import InferenceFailed, ServerGone, WireError
from nitropilot.engines.remote.wire import Limits, unpack
from nitropilot.errors import NitroPilotError
from nitropilot.policy.errors import ObservationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.engines.base import Array, PolicySpec, Request

ANSWER_LIMITS = Limits(size=4 * 2**20)
INVALID = ("observation_invalid", "invalid_request")
"""Codes of errors that the request is to blame for."""
LEAVING = "shutting_down"
TEXT = 300


def message_of(request: Request, planes: bool) -> dict[str, Any]:
    """A request as a message.

    Args:
        request: It fits the policy.
        planes: Whether the server reads uint8 planes, a quarter of the bytes.
    """
    frames = request.observation[request.dropped :]
    small = to_planes(frames) if planes else None
    message: dict[str, Any] = {
        "images": frames if small is None else small,
        "noise": request.noise,
    }
    if request.game is not None:
        message["game"] = request.game
    if request.cfg_scale != 1.0:
        message["cfg_scale"] = float(request.cfg_scale)
    if request.prefix is not None:
        message["prefix_actions"] = request.prefix.actions
        message["prefix_weights"] = request.prefix.weights
    return message


def chunk_from(answer: bytes | str, spec: PolicySpec, seconds: float) -> ActionChunk:
    """The chunk in an answer.

    Args:
        answer: What came; a text is an error.
        spec: What was agreed on.
        seconds: Time from request to answer.

    Raises:
        ObservationError: The server takes no such request.
        ServerGone: The server is shutting down.
        InferenceFailed: The server failed, or the answer is none.
    """
    if isinstance(answer, str):
        raise _refusal(answer)
    try:
        message = unpack(answer, ANSWER_LIMITS)
    except WireError as error:
        raise InferenceFailed(f"the policy server's answer cannot be read: {error}") from None
    actions = message.get("actions") if isinstance(message, dict) else None
    if not isinstance(actions, np.ndarray):
        raise InferenceFailed("the policy server's answer holds no actions")
    if actions.dtype != np.float32 or actions.shape != (spec.horizon, spec.action_dim):
        raise InferenceFailed(
            f"the policy server's actions are {actions.dtype} {actions.shape}",
            f"it had announced float32 {(spec.horizon, spec.action_dim)}",
        )
    if not np.isfinite(actions).all():
        raise InferenceFailed("the policy server's actions are not all finite")
    return ActionChunk(actions.copy(), _parts(message.get("server_timing"), seconds))


def _parts(timing: Any, seconds: float) -> dict[str, float]:
    """The time of the parts, as far as the server's words can be true."""
    told = timing if isinstance(timing, dict) else {}
    parts = {}
    for name, key in (("queue", "queue_ms"), ("compute", "infer_ms")):
        value = told.get(key)
        if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
            parts[name] = value / 1000
    network = seconds - sum(parts.values())
    return {**parts, "network": network} if parts and network >= 0 else {"remote": seconds}


def _refusal(text: str) -> NitroPilotError:
    """The error that a text frame stands for; openpi's own servers send a traceback."""
    try:
        error = json.loads(text)["error"]
        code, message, hint = (str(error.get(key, "")) for key in ("code", "message", "hint"))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        lines = text.strip().splitlines() or ["nothing"]
        code, message, hint = "", lines[-1], ""
    message, hint = _plain(message), _plain(hint)
    if code in INVALID:
        return ObservationError(f"the policy server refused: {message}", hint)
    if code == LEAVING:
        return ServerGone(f"the policy server is leaving: {message}", hint)
    return InferenceFailed(f"the policy server failed: {message}", hint)


def _plain(text: str) -> str:
    """What a stranger wrote, short and without what would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text[:TEXT])


def to_planes(frames: Array) -> NDArray[np.uint8] | None:
    """Float planes in [-1, 1] as the bytes they were made of; None when they were not."""
    small = np.rint(np.clip(np.nan_to_num(frames), -1, 1) * 127.5 + 127.5).astype(np.uint8)
    return small if np.array_equal(from_planes(small), frames) else None


def from_planes(small: NDArray[np.uint8]) -> Array:
    """Bytes as float planes, by the very steps of ``policy.observation.observe``."""
    planes = np.ascontiguousarray(small, dtype=np.float32)
    planes *= 2.0 / 255.0
    planes -= 1.0
    return planes
