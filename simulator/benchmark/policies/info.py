"""What a policy may know beside the picture.

    suite, game, task     names
    goal                  what has to be done, in words
    track                 "paused", "realtime" or "lockstep"
    seed                  a number for the policy's own chance, the same for every policy
    step                  steps of 1/60 s that have been played
    game_time             the same in seconds

What the judge has read, the progress and the seed of the game are none of its business: it plays
from pictures.
"""

from __future__ import annotations

import hashlib
from typing import Any

from nitropilot.simulator.environments.task_env import HZ


def own_seed(task: str, seed: int) -> int:
    """A number for a policy's own chance, 0 to 2^31 - 1; nobody reads the game's seed from it."""
    text = f"policy {task} {seed}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") >> 1


def info_at(facts: dict[str, Any], step: int) -> dict[str, Any]:
    """The episode's facts, and how far it is."""
    return {**facts, "step": step, "game_time": step / HZ}
