"""How commands name a policy.  No torch here.

    pocket               the policy that comes with NitroPilot, and the one where none is named
    random:SIZE[:SEED]   random weights
    BASE+ADAPTERS        a checkpoint or pocket, with adapters that were trained on it
    anything else        a checkpoint's path

A name wins over a file that is called so: a file ``pocket`` is named ``./pocket``.  A file whose
own path has a plus is that file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.policy.errors import PolicyError
from nitropilot.texts import meant

if TYPE_CHECKING:
    from collections.abc import Mapping

POCKET = "pocket"
DEFAULT = POCKET
"""What decides where nobody names a policy."""
SHIPPED = {POCKET: Path(__file__).parent / "shipped" / "pocket.safetensors"}
"""Policies that come with NitroPilot: name and checkpoint."""
PLUS = "+"
"""Between a base and its adapters."""
MOST_PLUSES = 8
"""In a name: each doubles what has to be tried."""
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


def _spelled(path: Path | str) -> Path:
    """As ``places.spelled``, which a machine that comes bare, to run a card's tests, has not."""
    from nitropilot.places import spelled

    return spelled(path)


def parse_adapted(text: str) -> tuple[str, str] | None:
    """Base and adapters of ``BASE+ADAPTERS``; None for a policy that is named by itself.

    Where several places can part it, the first at which both are there does; a base that is there
    is enough, so that it is said which file is missing.  A base may have adapters itself.
    """
    if not 0 < text.count(PLUS) <= MOST_PLUSES or _is_there(text):
        return None
    parts = text.split(PLUS)
    cuts = [(PLUS.join(parts[:n]), PLUS.join(parts[n:])) for n in range(1, len(parts))]
    cuts = [
        (base, str(_spelled(added)) if added.startswith("~") else added)  # no shell reads this one
        for base, added in cuts
        if base and added and (base in SHIPPED or _is_there(base) or parse_adapted(base))
    ]
    return next((cut for cut in cuts if _is_there(cut[1])), cuts[-1] if cuts else None)


def files_of(text: str) -> tuple[Path, ...]:
    """The files and folders of the user's that a policy is named by, whether they are there or not.

    None of them for random weights and for what comes along.

    Raises:
        PolicyError: There is no such random policy.
    """
    if not text or text in SHIPPED or parse_random(text):
        return ()
    pair = parse_adapted(text)
    return (meant(text),) if pair is None else (*files_of(pair[0]), meant(pair[1]))


def from_root(text: str) -> str:
    """The same policy, named so that it is found from every folder."""
    pair = parse_adapted(text)
    if pair is not None:
        return PLUS.join(from_root(each) for each in pair)
    files = files_of(text)
    return str(_spelled(files[0])) if files else text


def is_there(text: str) -> bool:
    """Whether what a policy is named by is there; nothing of it is read."""
    try:
        return bool(text) and all(path.exists() for path in files_of(text))
    except (PolicyError, OSError, ValueError):  # no right to look; or no name of a file at all
        return False


def title_of(text: str | Path) -> str:
    """What a policy is called for short: the end of its path, or of both."""
    pair = parse_adapted(text) if isinstance(text, str) else None
    return Path(text).name if pair is None else PLUS.join(title_of(each) for each in pair)


def _is_there(path: str) -> bool:
    try:
        return meant(path).exists()
    except (OSError, ValueError):  # no right to look there; or no name of a file at all
        return False


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
