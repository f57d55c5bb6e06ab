"""``Engine``: runs one policy on one device, one action chunk per call.

Data format at this boundary, NumPy float32 and C-contiguous throughout, so that
an engine needs no library but its own:

    observation   F x 3 x S x S    context frames, oldest first, RGB in [-1, 1]
    noise         T x A            standard normal; the same noise and frames give
                                   the same actions on every engine (invariant 5)
    actions       T x A            raw channels, decoded by ``policy.actions``

F, S, T and A come from the policy (``Engine.spec``).

An engine computes one request or several at once (``infer_batch``, up to ``max_batch``);
``infer`` is the batch of one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

SMALL = 20_000_000
"""Policies with fewer parameters run on one processor thread: the layers are so short
that waiting for each other would take longer than the work itself."""


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
        games: Games the policy can be conditioned on: name and row of the embedding.
        game_rows: Rows of the game embedding; 0 for a policy that knows no games.
        tokens_per_frame: Image tokens N of a frame.
        sequence_length: Tokens L of the padded sequence.
        old_layout: Stick channels come before the buttons.
        action_shift: Ticks from a frame's to that of the chunk's first action
            (``records.timeline``).
        frame_spacing: Ticks from one context frame to the next.
        action_hz: Ticks a second that the policy was trained with; None where that is unknown.
        actions: How many actions of a chunk are played where nobody says otherwise; None where
            the policy leaves that to who plays it.
        trained_on: Names of the games that it was trained on; None where that is unknown.
    """

    name: str
    fingerprint: str
    is_random: bool
    image_size: int
    frames: int
    horizon: int
    action_dim: int
    steps: int
    games: Mapping[str, int] = field(default_factory=dict)
    game_rows: int = 0
    tokens_per_frame: int = 0
    sequence_length: int = 0
    old_layout: bool = False
    action_shift: int = 1
    frame_spacing: int = 1
    action_hz: float | None = None
    actions: int | None = None
    trained_on: tuple[str, ...] | None = None

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> PolicySpec:
        """The reverse of ``dataclasses.asdict``, from JSON as well.

        Raises:
            TypeError: They are no such facts.
        """
        games = facts.get("trained_on")
        return cls(**{**facts, "trained_on": None if games is None else tuple(games)})


@dataclass(frozen=True, eq=False)
class Prefix:
    """Actions that a chunk has to contain, so that it joins the one being played.

    Attributes:
        actions: ``T x A`` float32, raw channels; rows of weight 0 are not looked at.
        weights: ``T`` float32 in [0, 1]: 1 keeps the action as it is, 0 leaves it free,
            and what lies between pulls towards it.
    """

    actions: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Request:
    """One chunk to compute; see ``Engine.infer`` for the parts."""

    observation: Array
    noise: Array
    dropped: int = 0
    game: str | None = None
    cfg_scale: float = 1.0
    prefix: Prefix | None = None


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
    """A policy made ready to run.  Not thread-safe; ``close`` frees its memory.

    Attributes:
        spec: What the policy takes and gives.
        info: Where it runs and why there.
        max_batch: Most requests that ``infer_batch`` takes.
        joins: Whether a ``prefix`` is honoured; if not, chunks can only be cross-faded.
        own_steps: Whether it takes as many Euler steps as its policy says.
        steps_reason: Why it takes ``spec.steps`` Euler steps; "" where the policy says so.
    """

    spec: PolicySpec
    info: EngineInfo
    max_batch: int = 1
    joins: bool = True
    own_steps: bool = True
    steps_reason: str = ""

    @abstractmethod
    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """Compute 1 to ``max_batch`` chunks together; ``seconds`` are those of the batch.

        Raises:
            ObservationError: A shape, type or option does not fit the policy.
            InferenceFailed: The device failed, or produced numbers that are not finite.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the weights.  Safe to call twice."""

    def infer(
        self,
        observation: Array,
        noise: Array,
        *,
        dropped: int = 0,
        game: str | None = None,
        cfg_scale: float = 1.0,
        prefix: Prefix | None = None,
    ) -> ActionChunk:
        """Compute one chunk.

        Args:
            observation: ``F x 3 x S x S`` in [-1, 1], oldest frame first.
            noise: ``T x A`` standard normal.
            dropped: How many of the oldest frames do not exist yet.
            game: A name of ``spec.games``, or None for the unconditional policy.
            cfg_scale: Classifier-free guidance; 1 switches it off.
            prefix: What the chunk has to contain; only where ``joins``.

        Raises:
            ObservationError: A shape, type or option does not fit the policy.
            InferenceFailed: The device failed, or produced numbers that are not finite.
        """
        request = Request(observation, noise, dropped, game, cfg_scale, prefix)
        return self.infer_batch([request])[0]

    def draw_noise(self, rng: np.random.Generator) -> Array:
        """Standard normal noise of the shape this policy starts a chunk from."""
        return rng.standard_normal((self.spec.horizon, self.spec.action_dim), dtype=np.float32)

    @property
    def described(self) -> EngineInfo:
        """``info``, with why it takes as many steps as it does."""
        if not self.steps_reason:
            return self.info
        why = f"{self.spec.steps} Euler steps, {self.steps_reason}"
        return replace(self.info, reason=f"{self.info.reason}; {why}")

    def warm_up(self) -> float:
        """Run one chunk on a grey frame; returns the seconds it took."""
        spec = self.spec
        grey = np.zeros((spec.frames, 3, spec.image_size, spec.image_size), np.float32)
        return self.infer(grey, self.draw_noise(np.random.default_rng(0))).total_seconds
