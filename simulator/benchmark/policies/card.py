"""``Card``: what a policy says of itself, as far as playing and records need it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from nitropilot.simulator.benchmark.policies.errors import EntryError
from nitropilot.simulator.environments.task_env import HZ

MOST_SHIFT = 10_000


@dataclass(frozen=True)
class Card:
    """A policy, in words and figures.

    Attributes:
        name: As it was entered.
        kind: "idle", "random", "expert", "checkpoint", "server", "callable" or
            "human".
        digest: SHA-256 of its weights, or of its source; "" where it has none that we know.
        shift: Ticks from a picture's to that of the first action (``records.timeline``).
        spacing: Ticks from one of its context frames to the next.
        hz: Ticks a second; it divides the 60 steps of an environment.
        random: Whether its weights were never trained.
        games: Games that it was trained on; None where it says nothing.
        actions: How many actions of an answer are played where nobody says otherwise; None: all.
        steps: Of its sampler; None where it has none that we know.
        runs: What computes it, device included; "" for nothing of ours.
        precision: Of that.
    """

    name: str
    kind: str
    digest: str = ""
    shift: int = 1
    spacing: int = 1
    hz: float = HZ
    random: bool = False
    games: tuple[str, ...] | None = None
    actions: int | None = None
    steps: int | None = None
    runs: str = ""
    precision: str = ""

    def __post_init__(self) -> None:
        if not (0 < self.hz <= HZ and HZ % self.hz == 0):
            raise EntryError(
                f"{self.name} acts {self.hz:g} times a second, an environment {HZ} times",
                f"only what divides {HZ} can be played",
            )
        if not -MOST_SHIFT <= self.shift <= MOST_SHIFT or not 0 <= self.spacing <= MOST_SHIFT:
            raise EntryError(f"{self.name} has a shift of {self.shift} ticks", "that cannot be")

    @property
    def hold(self) -> int:
        """Steps of an environment in one tick."""
        return int(HZ // self.hz)

    def plain(self) -> dict[str, Any]:
        """As a map that can be sent and written."""
        return asdict(self) | {"games": None if self.games is None else list(self.games)}

    @classmethod
    def read(cls, facts: dict[str, Any]) -> Card:
        """The reverse of ``plain``.

        Raises:
            EntryError: What it says cannot be.
            TypeError, KeyError: It is no card.
        """
        return cls(**facts | {"games": None if facts["games"] is None else tuple(facts["games"])})
