"""What a policy of this room is worth: a table for people, and its card."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from nitropilot.pocket.measuring import BLIND, Played, baseline, measure, of_game, tasks_of
from nitropilot.pocket.recipe import Recipe
from nitropilot.policy.files.checkpoint import load_policy

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

FIRST_LEVEL = 0
"""Seeds of the levels that measure: the benchmark's own, none of which is taught or chooses."""


def report(path: Path, given: argparse.Namespace) -> None:
    """Play, and say how it went."""
    policy, recipe = load_policy(path), Recipe()
    own = policy.raw_config.get("nitropilot", {})
    games = own.get("games") or recipe.games
    seeds = range(FIRST_LEVEL, FIRST_LEVEL + given.levels)
    found: dict[str, list[Played]] = {"policy": [], "expert": [], **{who: [] for who in BLIND}}
    for task in tasks_of(games):
        found["policy"].append(measure(policy, task, seeds, recipe.played, recipe.euler))
        for who in ("expert", *BLIND):
            found[who].append(baseline(who, task, seeds))
        line = "  ".join(
            f"{who} {played[-1].success:.2f}/{played[-1].progress:.2f}"
            for who, played in found.items()
        )
        print(f"{task:10} {line}", flush=True)
    print(f"\n{'':8}" + "".join(f"{who:>18}" for who in found))
    for game in games:
        cells = [of_game(played, game) for played in found.values()]
        print(f"{game:8}" + "".join(f"{c.success:>11.2f} / {c.progress:.2f}" for c in cells))
    ratio = _mean(found["policy"]) / max(_mean(found["expert"]), 1e-9)
    print(f"\nof the experts' success {ratio:.2f}, success {_mean(found['policy']):.2f}")
    kept = path.with_suffix(".measured.json")
    kept.write_text(
        json.dumps({who: [asdict(each) for each in played] for who, played in found.items()},
                   indent=1) + "\n",
        encoding="utf-8",
    )  # fmt: skip
    print(f"figures: {kept}", file=sys.stderr)


def _mean(played: list[Played]) -> float:
    return sum(each.success for each in played) / len(played)
