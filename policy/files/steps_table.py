"""What was measured of a policy's Euler steps: from its card, or from its checkpoint."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from nitropilot.policy.config import parse_config
from nitropilot.policy.errors import CheckpointError
from nitropilot.policy.files.formats import find_checkpoint, read_checkpoint
from nitropilot.policy.files.stored import CONFIG_KEY
from nitropilot.policy.naming import parse_adapted, parse_random
from nitropilot.policy.shipped.card import card_beside, require_described

if TYPE_CHECKING:
    from nitropilot.policy.steps_rows import StepsRow


def steps_table(policy: str) -> tuple[StepsRow, ...]:
    """All rows, in the order in which they were written; none where nothing was measured.

    A card counts only if it describes this very file; where it has no row, those of the
    checkpoint's ``nitropilot`` section count.

    Args:
        policy: As commands name it.

    Raises:
        PolicyError, CheckpointError: There is no such policy.
    """
    if parse_random(policy) is not None:
        return ()
    path = find_checkpoint(policy)
    if card_beside(path).is_file() and parse_adapted(policy) is None:
        with suppress(CheckpointError):  # of another file, or no card at all
            if rows := require_described(path).steps_table:
                return rows
    config = parse_config(read_checkpoint(policy).config, f"{path}: {CONFIG_KEY}")
    return config.nitropilot.steps_table
