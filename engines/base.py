"""``Engine``: runs one policy on one device, one action chunk per call.

Data format at this boundary, NumPy float32 and C-contiguous throughout, so that
an engine needs no library but its own:

    observation   F x 3 x S x S    context frames, oldest first, RGB in [-1, 1]
    noise         T x A            standard normal; the same noise and frames give
                                   the same actions on every engine (invariant 5)
    actions       T x A            raw channels, decoded by ``policy.actions``

F, S, T and A come from the policy (``Engine.spec``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from policy.errors import ObservationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]


@dataclass(frozen=True)
class PolicySpec:
    """What the outside needs to know of a policy.

    Attributes:
        name: File name, or ``random:...`` for random weights.
        fingerprint: SHA-256 of the file, or of the recipe of random weights.
        is_random: True when the weights were never trained.
        image_size: Side S of the square observation in pixels.
        frames: Context frames F.
        horizon: Actions T in a chunk.
        action_dim: Channels A of an action.
        steps: Sampler steps K.
        games: Names of games the policy can be conditioned on.
        old_layout: Stick channels come before the buttons.
    """

    name: str
    fingerprint: str
    is_random: bool
    image_size: int
    frames: int
    horizon: int
    action_dim: int
    steps: int
    games: tuple[str, ...] = ()
    old_layout: bool = False


@dataclass(frozen=True, eq=False)
class ActionChunk:
    """The policy's answer to one observation.

    Attributes:
        actions: ``T x A`` float32, raw channels.
        seconds: Time of the parts, such as ``{"vision": 0.4, "sampler": 0.3}``.
    """

    actions: Array
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def total_seconds(self) -> float:
        """Time from observation to actions."""
        return sum(self.seconds.values())


@dataclass(frozen=True)
class EngineInfo:
    """Which engine runs, where, and why it was chosen."""

    name: str
    device: str
    precision: str
    reason: str


class Engine(ABC):
    """A policy made ready to run.  Not thread-safe; ``close`` frees its memory."""

    spec: PolicySpec
    info: EngineInfo

    @abstractmethod
    def infer(
        self,
        observation: Array,
        noise: Array,
        *,
        dropped: int = 0,
        game: str | None = None,
        cfg_scale: float = 1.0,
    ) -> ActionChunk:
        """Compute one chunk.

        Args:
            observation: ``F x 3 x S x S`` in [-1, 1], oldest frame first.
            noise: ``T x A`` standard normal.
            dropped: How many of the oldest frames do not exist yet.
            game: A name of ``spec.games``, or None for the unconditional policy.
            cfg_scale: Classifier-free guidance; 1 switches it off.

        Raises:
            ObservationError: A shape, type or option does not fit the policy.
            InferenceFailed: The device failed, or produced numbers that are not finite.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the weights.  Safe to call twice."""

    def draw_noise(self, rng: np.random.Generator) -> Array:
        """Standard normal noise of the shape this policy starts a chunk from."""
        return rng.standard_normal((self.spec.horizon, self.spec.action_dim), dtype=np.float32)

    def warm_up(self) -> float:
        """Run one chunk on a grey frame; returns the seconds it took."""
        spec = self.spec
        grey = np.zeros((spec.frames, 3, spec.image_size, spec.image_size), np.float32)
        return self.infer(grey, self.draw_noise(np.random.default_rng(0))).total_seconds

    def check_input(self, observation: Array, noise: Array, dropped: int) -> None:
        """Refuse arrays that do not fit the policy (see ``infer``)."""
        spec = self.spec
        expect("observation", observation, (spec.frames, 3, spec.image_size, spec.image_size))
        expect("noise", noise, (spec.horizon, spec.action_dim))
        if not 0 <= dropped < spec.frames:
            raise ObservationError(
                f"dropped is {dropped} of {spec.frames} frames",
                f"it must be from 0 to {spec.frames - 1}",
            )


def expect(name: str, array: Array, shape: tuple[int, ...]) -> None:
    """Raise ``ObservationError`` unless ``array`` is float32 of ``shape``."""
    if array.shape != shape or array.dtype != np.float32:
        raise ObservationError(
            f"{name} is {array.dtype} {array.shape}", f"this policy takes float32 {shape}"
        )
