"""How commands name a policy.  No torch here.

    pocket               the policy that comes with NitroPilot, and the one where none is named
    random:SIZE[:SEED]   random weights
    anything else        a checkpoint's path

A name wins over a file that is called so: a file ``pocket`` is named ``./pocket``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.policy.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping

POCKET = "pocket"
DEFAULT = POCKET
"""What decides where nobody names a policy."""
SHIPPED = {POCKET: Path(__file__).parent / "shipped" / "pocket.safetensors"}
"""Policies that come with NitroPilot: name and checkpoint."""
SIZES = ("full", "tiny")
MAX_SEED = 2**63
RECIPE = 2
"""Raised when the same size and seed begin to give other weights."""


def parse_random(text: str) -> tuple[str, int] | None:
    """Size and seed of random weights; None for a checkpoint's path.

    Raises:
        PolicyError: There is no such size or seed.
    """
    kind, _, rest = text.partition(":")
    if kind != "random":
        return None
    size, _, seed = rest.partition(":")
    if seed and not (seed.isascii() and seed.isdecimal()):
        raise PolicyError(f"{seed!r} is not a seed", "write random:tiny or random:tiny:7")
    check_random(size, int(seed or 0))
    return size, int(seed or 0)


def check_random(size: str, seed: int) -> None:
    """Raise ``PolicyError`` unless there are random weights of that size and seed."""
    if not 0 <= seed < MAX_SEED:
        raise PolicyError(f"{seed} is no seed", f"seeds are 0 to {MAX_SEED - 1}")
    if size not in SIZES:
        raise PolicyError(f"there is no random policy of size {size!r}", "sizes are full and tiny")


def random_fingerprint(size: str, seed: int) -> str:
    """SHA-256 of the recipe, in place of a file's."""
    return hashlib.sha256(f"random {RECIPE} {size} {seed}".encode()).hexdigest()


def trained_games(told: tuple[str, ...] | None, rows: Mapping[str, int]) -> tuple[str, ...] | None:
    """Games that a policy was trained on; None where that is not known.

    Args:
        told: What its checkpoint says of that.
        rows: Rows of its game embedding, by name; row 0 is for no game.
    """
    if told is not None:
        return told
    return tuple(name for name, row in rows.items() if row) or None
