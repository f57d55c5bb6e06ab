"""``Recipe``: all numbers of ``make pocket``.

What differs from the preset ``paper`` is what an hour on two cores asks for: a small picture, Muon
for the matrices, heads that are thrown away, and rounds in which the policy drives.
"""

from __future__ import annotations

from dataclasses import dataclass, field

GAMES = ("runner", "arena", "maze", "road", "pulse")
HELD_OUT = "road"
"""Kept out of the four-game run and of every choice: on it, moving to a new game is measured."""
STEPS_AN_HOUR = 4200
"""Steps of training that two cores make in an hour: what a run is long is told in steps, so that
how fast the machine is changes nothing of what comes out."""
TICKS_BETWEEN = 10
"""Ticks between two samples of a level."""


@dataclass(frozen=True)
class Recipe:
    """What is done, and how much of it.

    Of a run of hours the first one is as it is of a run of one, up to where the rates begin to
    fall, so that a longer run can go on from a shorter one.

    Attributes:
        games: What is learned.
        share: How much of each batch each game has.
        samples: Pictures that the scripts record, shared out like the batches.
        noisy: Share of the recorded levels with bursts of foreign input.
        steps: Of training, in each process.
        head_share: Share of the first hour in which the vision encoder learns from the heads alone.
        batch: Pictures a step and process.
        times: Looks at each picture's actions: flow times, one from each stretch of equal chance.
        stick_weight: What a stick's channel counts in the flow beside a button's.
        head_weight: What the heads' errors count beside the flow's.
        chart_weight: What the error of what is where counts beside that of the head's actions.
        muon_rate: Learning rate of matrices.
        adam_rate: Learning rate of everything else.
        decay: Share of the steps in which the rates fall to 0.
        ema: Decay of the averaged weights.
        shift: Most pixels by which a picture is moved.
        changing: How much more often a chunk is shown in which something changes.
        together: Steps between two meetings of the processes, which then share an average.
        rounds: How often in the first hour the policy drives and the scripts label; so on after it.
        round_samples: Pictures of a round at most, of each process.
        round_first: Share of the first hour after which the first of these rounds is.
        round_share: What those rounds' samples have of a batch, first and from the hour's end on.
        trials: How often it plays, to be watched; nothing is chosen by it.
        trial_levels: Levels of each task that it plays then.
        save: Steps between two states to go on from.
        played: Actions played of a chunk.
        euler: Euler steps that play.
        seed: Of everything.
    """

    games: tuple[str, ...] = GAMES
    share: dict[str, float] = field(
        default_factory=lambda: {
            "runner": 0.18, "arena": 0.24, "maze": 0.22, "road": 0.18, "pulse": 0.18,
        }
    )  # fmt: skip
    samples: int = 110_000
    noisy: float = 0.5
    steps: int = STEPS_AN_HOUR
    head_share: float = 0.3
    batch: int = 96
    times: int = 2
    stick_weight: float = 4.0
    head_weight: float = 0.5
    chart_weight: float = 2.0
    muon_rate: float = 6e-3
    adam_rate: float = 1e-3
    decay: float = 0.4
    ema: float = 0.997
    shift: int = 2
    changing: float = 3.0
    together: int = 20
    rounds: int = 3
    round_samples: int = 3000
    round_first: float = 0.5
    round_share: tuple[float, float] = (0.35, 0.5)
    trials: int = 1
    trial_levels: int = 9
    save: int = 500
    played: int = 8
    euler: int = 4
    seed: int = 0

    def early(self, share: float) -> float:
        """A share of the steps, of those of the first hour at most."""
        return share * min(self.steps, STEPS_AN_HOUR)

    def shares(self) -> dict[str, float]:
        """How much of each batch each game has; together 1."""
        whole = sum(self.share[game] for game in self.games)
        return {game: self.share[game] / whole for game in self.games}
