"""What a policy of this room is worth: a table for people, and the card that it is shipped with."""

from __future__ import annotations

import json
import multiprocessing
import platform
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from nitropilot.pocket.errors import PocketError
from nitropilot.pocket.learning.learner import WARM_UP
from nitropilot.pocket.learning.network import SIDE
from nitropilot.pocket.learning.objective import UNUSED
from nitropilot.pocket.measuring import BLIND, Played, baseline, measure, of_game, tasks_of
from nitropilot.pocket.recipe import HELD_OUT, Recipe
from nitropilot.policy.sizes import PATCH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_LEVEL = 0
"""Seeds of the levels that measure: the benchmark's own, none of which is taught or chooses."""
POLICY, EXPERT = "policy", "expert"
PLAYERS = (POLICY, EXPERT, *BLIND)
FIGURES = "measured.json"


@dataclass(frozen=True)
class Report:
    """What was played.

    Attributes:
        games: Of the policy.
        played: A row a task, by player.
    """

    games: tuple[str, ...]
    played: dict[str, list[Played]]

    def lines(self) -> Iterator[str]:
        """A table, and how much of the experts' success it is."""
        width = 2 + max(map(len, self.games))
        yield " " * width + "".join(f"{who:>15}" for who in self.played)
        for game in self.games:
            cells = [of_game(its, game) for its in self.played.values()]
            said = "".join(f"{cell.success:>8.2f} / {cell.progress:.2f}" for cell in cells)
            yield f"{game:{width}}{said}"
        yield f"of the experts' success: {self.ratio:.2f}"

    @property
    def ratio(self) -> float:
        """Mean success over the games as a share of the experts'."""
        return self._mean(POLICY) / max(self._mean(EXPERT), 1e-9)

    def _mean(self, who: str) -> float:
        found = [of_game(self.played[who], game).success for game in self.games]
        return sum(found) / len(found)


def report(path: Path, levels: int, processes: int) -> Report:
    """Let a policy play, and those that it is compared with.

    Args:
        path: The checkpoint.
        levels: Of each task.
        processes: That play at a time.

    Raises:
        PolicyError: It cannot be loaded.
    """
    from nitropilot.policy.files.checkpoint import load_policy

    own = load_policy(path).raw_config.get("nitropilot", {})
    games = tuple(own.get("games") or Recipe.games)
    ways = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, ways) as pool:
        waiting = {
            who: [pool.submit(_play, who, path, task, levels) for task in tasks_of(games)]
            for who in PLAYERS
        }
        played = {who: [each.result() for each in its] for who, its in waiting.items()}
    return Report(games, played)


def keep(made: Report, folder: Path) -> Path:
    """Write the figures."""
    path = folder / FIGURES
    rows = {who: [asdict(each) for each in its] for who, its in made.played.items()}
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return path


def differs(recipe: Recipe) -> tuple[str, ...]:
    """What a recipe does otherwise than the preset ``paper``, for the card."""
    shares = ", ".join(f"{game} {share:.2f}" for game, share in recipe.shares().items())
    return (
        f"pictures of {SIDE * PATCH} px, 2.0 M parameters, one frame, no game token",
        "labels are the script's next 16 actions, planned on a copy of the world; bursts of "
        f"foreign input in {recipe.noisy:.0%} of the levels",
        f"of a batch: {shares}; chunks in which something changes are drawn {recipe.changing:g} "
        f"times as often; unused channels count {UNUSED:g}, sticks {recipe.stick_weight:g}; "
        "buttons are taught as -0.5 and 1.5; no mirrors",
        "two heads that are thrown away: one says the actions, the other what is where in the "
        "picture, which the game's state tells; they learn alone for "
        f"{recipe.early(recipe.head_share):.0f} steps and stay beside the flow; {recipe.times} "
        "flow times a picture",
        f"Muon {recipe.muon_rate:g} and AdamW {recipe.adam_rate:g}, moving average {recipe.ema:g}, "
        f"decay over the last {recipe.decay:.0%}, {WARM_UP} steps of warm-up",
        f"{recipe.steps} steps of {recipe.batch} pictures in each process; they meet every "
        f"{recipe.together} steps; rounds of driving (DAgger), {recipe.rounds} in "
        f"an hour, from step {recipe.early(recipe.round_first):.0f} on",
    )


def ship(path: Path, made: Report, command: str, recipe: Recipe, minutes: float) -> Path:
    """Put a policy with its card where shipped ones lie.

    Raises:
        CheckpointError: The card cannot be written, or does not fit the file.
        PocketError: The file cannot be copied.
    """
    from nitropilot.policy.naming import POCKET, SHIPPED
    from nitropilot.policy.shipped.card import How, Measured, TaskFigures, write_card
    from nitropilot.policy.shipped.card import Recipe as Told

    place = SHIPPED[POCKET]
    try:
        shutil.copyfile(path, place)  # both are one change of the checkout, and checked together
    except OSError as error:
        raise PocketError(f"cannot write {place}: {error.strerror}") from None
    figures = []
    for its in made.played[POLICY]:
        low, high = its.interval()
        figures.append(
            TaskFigures(
                task=its.task, game=its.game, successes=its.won, episodes=its.levels,
                low=low, high=high, progress=its.progress,
            )
        )  # fmt: skip
    how = How(
        actions=Recipe.played, steps=Recipe.euler, engine="torch, float32, in process",
        machine=f"{platform.machine()}, two cores",
    )  # fmt: skip
    write_card(
        place,
        held_out=None if HELD_OUT in made.games else HELD_OUT,
        recipe=Told(
            command=command, seed=recipe.seed, minutes=round(minutes, 1), differs=differs(recipe)
        ),
        measured=Measured(tasks=tuple(figures), how=how),
    )
    return place


def _play(who: str, path: Path, task: str, levels: int) -> Played:
    seeds = range(FIRST_LEVEL, FIRST_LEVEL + levels)
    if who != POLICY:
        return baseline(who, task, seeds)
    import torch

    from nitropilot.policy.files.checkpoint import load_policy

    torch.set_num_threads(1)
    return measure(load_policy(path), task, seeds, Recipe.played, Recipe.euler)
