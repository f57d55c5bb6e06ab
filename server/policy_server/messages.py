"""What the policy server reads of a request, and what it answers.

Everything a client sends is checked here, before it meets the requests of others.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.engines.base import Prefix, Request
from nitropilot.engines.batch import check_request
from nitropilot.engines.remote.messages import from_planes
from nitropilot.engines.remote.wire import MIB, Limits, pack, unpack
from nitropilot.policy.actions import decode
from nitropilot.policy.errors import ObservationError
from nitropilot.policy.observation import observe
from nitropilot.server.errors import RequestInvalid

if TYPE_CHECKING:
    from nitropilot.engines.base import Array, PolicySpec
    from nitropilot.errors import NitroPilotError
    from nitropilot.server.policy_server.batcher import Done

LIMITS = Limits(size=32 * MIB, items=256)
MAX_PIXELS = 3840 * 2160
"""Of all pictures of a request."""
MAX_SIDE = 16384
MAX_NOISE = 100.0
"""Standard normal noise never comes near it; larger numbers only make a batch fail."""
MAX_PREFIX = 1000.0
MAX_GUIDANCE = 100.0
PICTURES = ("image", "observation/image", "images")
KEYS = (
    *PICTURES, "noise", "seed", "dropped", "game", "cfg_scale", "prefix_actions",
    "prefix_weights", "prompt",
)  # fmt: skip
IGNORED = "prompt"
"""openpi clients send one with every observation; these policies read none."""


class Reader:
    """Turns one client's messages into requests.

    Args:
        spec: The policy that they are for.
        joins: Whether the engine honours a prefix.
    """

    def __init__(self, spec: PolicySpec, joins: bool) -> None:
        self._spec = spec
        self._joins = joins
        self._rng = np.random.default_rng()

    def read(self, data: bytes) -> Request:
        """A request that fits the policy.

        Raises:
            WireError: It is nothing that may be on the wire.
            RequestInvalid, ObservationError: It does not fit.
        """
        message = unpack(data, LIMITS)
        if not isinstance(message, dict):
            raise RequestInvalid(f"the request is a {type(message).__name__}", "send a map")
        if unknown := sorted(message.keys() - set(KEYS)):
            raise RequestInvalid(
                f"a request has no key {unknown[0][:60]!r}", f"its keys are {', '.join(KEYS)}"
            )
        _text(message, IGNORED)
        frames = self._frames(message)
        request = Request(
            observation=self._observation(frames),
            noise=self._noise(message),
            dropped=self._dropped(message, len(frames)),
            game=_text(message, "game"),
            cfg_scale=_number(message, "cfg_scale", 1.0, MAX_GUIDANCE),
            prefix=self._prefix(message),
        )
        check_request(self._spec, request)
        return request

    def _frames(self, message: dict[str, Any]) -> Array:
        """The frames that the request has, ``n x 3 x S x S``."""
        given = [name for name in PICTURES if message.get(name) is not None]
        if len(given) != 1:
            raise RequestInvalid(
                f"the request has {' and '.join(given) or 'no picture'}",
                "give image: height x width x 3, uint8, RGB",
            )
        name = given[0]
        array = _array(message, name)
        assert array is not None
        frames = self._planes(array) if name == "images" else self._pictures(name, array)
        if not 1 <= len(frames) <= self._spec.frames:
            raise ObservationError(
                f"{name} has {len(frames)} frames", f"this policy looks at {self._spec.frames}"
            )
        return frames

    def _planes(self, array: np.ndarray[Any, Any]) -> Array:
        side = self._spec.image_size
        if array.shape[1:] != (3, side, side) or array.dtype not in (np.float32, np.uint8):
            raise ObservationError(
                f"images is {array.dtype} {array.shape}",
                f"send float32 or uint8, {self._spec.frames} x 3 x {side} x {side}",
            )
        if array.dtype == np.uint8:
            return from_planes(array)
        if not (array.size and np.abs(array).max() <= 1.0):  # not so for nan either
            raise ObservationError("images is not all from -1 to 1", "scale pixels to that")
        return array

    def _pictures(self, name: str, array: np.ndarray[Any, Any]) -> Array:
        pictures = array[None] if array.ndim == 3 else array
        height, width, channels = (*pictures.shape[1:], 0, 0, 0)[:3]
        if array.dtype != np.uint8 or pictures.ndim != 4 or channels != 3 or not array.size:
            raise ObservationError(
                f"{name} is {array.dtype} {array.shape}", "send uint8, height x width x 3, RGB"
            )
        if array.size > 3 * MAX_PIXELS or max(height, width) > MAX_SIDE:
            raise ObservationError(
                f"{name} has {len(pictures)} x {width} x {height} pixels",
                f"at most {MAX_PIXELS} in all, and {MAX_SIDE} to a side",
            )
        if len(pictures) > self._spec.frames:
            raise ObservationError(
                f"{name} has {len(pictures)} frames", f"this policy looks at {self._spec.frames}"
            )
        return np.concatenate([observe(one, self._spec.image_size) for one in pictures])

    def _observation(self, frames: Array) -> Array:
        missing = np.zeros((self._spec.frames - len(frames), *frames.shape[1:]), np.float32)
        return np.concatenate([missing, frames])

    def _dropped(self, message: dict[str, Any], frames: int) -> int:
        missing = self._spec.frames - frames
        dropped = message.get("dropped")
        if dropped is None:
            return missing
        return max(missing, _whole(dropped, "dropped", self._spec.frames - 1))

    def _noise(self, message: dict[str, Any]) -> Array:
        noise, seed = _array(message, "noise"), message.get("seed")
        if noise is not None:
            if seed is not None:
                raise RequestInvalid("the request has noise and a seed", "give one of them")
            _bounded(noise, "noise", MAX_NOISE)
            return noise
        shape = self._spec.horizon, self._spec.action_dim
        rng = self._rng if seed is None else np.random.default_rng(_whole(seed, "seed", 2**63))
        return rng.standard_normal(shape, dtype=np.float32)

    def _prefix(self, message: dict[str, Any]) -> Prefix | None:
        actions, weights = _array(message, "prefix_actions"), _array(message, "prefix_weights")
        if actions is None and weights is None:
            return None
        if actions is None or weights is None:
            raise RequestInvalid("half a prefix", "give prefix_actions and prefix_weights")
        if not self._joins:
            raise RequestInvalid("this server's engine takes no prefix", "leave it out")
        if weights.ndim == 1 and actions.shape[:1] == weights.shape:
            actions = actions.copy()
            actions[weights == 0] = 0  # nobody looks at these
        _bounded(actions, "prefix_actions", MAX_PREFIX)
        return Prefix(actions, weights)


def answer_of(done: Done, spec: PolicySpec) -> bytes:
    """A chunk as a message: raw channels, what they mean, and where the time went."""
    actions = done.chunk.actions
    read = decode(actions, old_layout=spec.old_layout)
    message: dict[str, Any] = {
        "actions": actions, "j_left": read.j_left, "j_right": read.j_right,
        "buttons": read.buttons,
    }  # fmt: skip
    message["policy_timing"] = {
        f"{name}_ms": seconds * 1000 for name, seconds in done.chunk.seconds.items()
    }
    message["server_timing"] = {
        "infer_ms": done.computed * 1000, "queue_ms": done.queued * 1000, "batch": done.batch,
    }  # fmt: skip
    return pack(message)


def error_text(error: NitroPilotError) -> str:
    """An error as a text frame, which openpi's client raises."""
    body = {"code": error.code, "message": str(error), "hint": error.hint}
    return json.dumps({"error": body})


def _array(message: dict[str, Any], name: str) -> np.ndarray[Any, Any] | None:
    value = message.get(name)
    if value is not None and not isinstance(value, np.ndarray):
        raise RequestInvalid(f"{name} is a {type(value).__name__}", "send an array")
    return value


def _text(message: dict[str, Any], name: str) -> str | None:
    value = message.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestInvalid(f"{name} is a {type(value).__name__}", "send a text")
    return value


def _number(message: dict[str, Any], name: str, default: float, most: float) -> float:
    value = message.get(name)
    if value is None:
        return default
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestInvalid(f"{name} is a {type(value).__name__}", "send a number")
    if not -most <= value <= most:  # not so for nan
        raise RequestInvalid(f"{name} is {value}", f"from {-most:g} to {most:g}")
    return float(value)


def _whole(value: Any, name: str, most: int) -> int:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestInvalid(f"{name} is a {type(value).__name__}", "send a whole number")
    if not 0 <= value <= most:
        raise RequestInvalid(f"{name} is {value}", f"from 0 to {most}")
    return value


def _bounded(array: np.ndarray[Any, Any], name: str, most: float) -> None:
    if array.dtype.kind == "f" and array.size and not np.abs(array).max() <= most:
        raise ObservationError(f"{name} is out of bounds", f"from {-most:g} to {most:g}")
