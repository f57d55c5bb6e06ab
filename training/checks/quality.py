"""``quality_of``: what a recording has to teach, in figures, before hours are spent on it.

The share of chunks in which at least half of the steps do something is the filter of the NitroGen
paper: a policy that is shown mostly rest learns to rest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.records.format import PUBLISHED_BUTTONS
from nitropilot.training.formats.take import active, decoded_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.policy.actions import DecodedChunk
    from nitropilot.training.formats.take import Take

AXES = ("left_x", "left_y", "right_x", "right_y")


@dataclass(frozen=True)
class Quality:
    """Figures of one recording.  Shares are of rows that are to be learned, 0 to 1.

    Attributes:
        id: Its name.
        folder: Where it is.
        game: Of what.
        hz: Rows a second.
        rows: How many.
        taught: How many are to be learned: their source is not ``none``.
        idle: Share in which nothing is pressed and no stick is moved.
        presses: Of each button that is pressed at all, how often a minute.
        sticks: Variance of each axis.
        active_chunks: Share of the chunks, from every row on, with enough active steps.
        gaps: How often play was broken off.
        gap_seconds: How long that was, in all.
        repeated: Share of all rows whose picture is an earlier one.
        useless: Why it teaches nothing; empty if it does.
    """

    id: str
    folder: str
    game: str
    hz: float
    rows: int
    taught: int
    idle: float
    presses: dict[str, float]
    sticks: dict[str, float]
    active_chunks: float
    gaps: int
    gap_seconds: float
    repeated: float
    useless: str

    def facts(self) -> dict[str, Any]:
        """For people's programs; shares with four digits."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def quality_of(take: Take, horizon: int = 18, share: float = 0.5) -> Quality:
    """Look through the rows of a recording; no picture is decoded.

    Args:
        take: The recording.
        horizon: Actions of a chunk.
        share: Least share of active steps in a chunk that counts as active.
    """
    chunk, taught, stretch = decoded_rows(take.rows), take.taught, take.column("stretch")
    moving = active(chunk) & taught
    chunks = _chunks(moving, taught, stretch, horizon, share)
    known = max(int(taught.sum()), 1)
    repeated = np.asarray(take.column("frame_repeated"), bool)
    gaps = np.diff(stretch.astype(np.int64)) != 0
    passed = np.diff(take.column("sent_time").astype(float))
    sticks = np.concatenate([chunk.j_left, chunk.j_right], axis=1)[taught]
    return Quality(
        take.id, str(take.folder), take.game, take.hz, take.rows.num_rows, int(taught.sum()),
        1.0 - float(moving.sum()) / known,
        _presses(take, taught, stretch),
        {axis: round(float(v), 4) for axis, v in zip(AXES, sticks.var(axis=0), strict=True)}
        if len(sticks) else dict.fromkeys(AXES, 0.0),
        float(chunks.mean()) if len(chunks) else 0.0,
        int(gaps.sum()),
        round(float(np.maximum(passed[gaps] - 1.0 / take.hz, 0.0).sum()), 3),
        float(repeated.mean()) if len(repeated) else 0.0,
        _useless(chunk, taught, moving, repeated, chunks, (horizon, share)),
    )  # fmt: skip


def _chunks(
    moving: NDArray[np.bool_],
    taught: NDArray[np.bool_],
    stretch: NDArray[np.generic],
    horizon: int,
    share: float,
) -> NDArray[np.bool_]:
    """Of each chunk in an unbroken stretch, whether it is active enough.

    Steps that are not to be learned are left out of the share, and chunks of such alone entirely.
    """
    if len(moving) < horizon:
        return np.zeros(0, bool)
    window = np.ones(horizon, int)
    acting = np.convolve(moving, window, "valid")
    counted = np.convolve(taught, window, "valid")
    unbroken = stretch[: len(acting)] == stretch[horizon - 1 :]
    there = unbroken & (counted > 0)
    found: NDArray[np.bool_] = acting[there] >= share * counted[there]
    return found


def _presses(
    take: Take, taught: NDArray[np.bool_], stretch: NDArray[np.generic]
) -> dict[str, float]:
    """How often a minute each button goes down, in rows that are to be learned."""
    minutes = taught.sum() / take.hz / 60.0
    begins = np.diff(stretch.astype(np.int64), prepend=-1) != 0
    found = {}
    for name in PUBLISHED_BUTTONS:
        held = np.asarray(take.column(name), bool)
        before = np.concatenate([[False], held[:-1]]) & ~begins
        if count := int((held & ~before & taught).sum()):
            found[name] = round(count / float(minutes), 2)
    return found


def _useless(
    chunk: DecodedChunk,
    taught: NDArray[np.bool_],
    moving: NDArray[np.bool_],
    repeated: NDArray[np.bool_],
    chunks: NDArray[np.bool_],
    wanted: tuple[int, float],
) -> str:
    """Why nothing can be learned; empty if something can."""
    if not taught.any():
        return "no row is to be learned"
    if not moving.any():
        return "nothing is pressed"
    if not len(chunks):
        return f"no unbroken stretch has {wanted[0]} actions"
    if repeated.all():
        return "no picture is new"
    actions = np.concatenate([chunk.j_left, chunk.j_right, chunk.buttons], axis=1)[taught]
    if (actions == actions[0]).all():
        return "all of it is one and the same action"
    if not chunks.any():
        return f"no chunk has {wanted[1]:.0%} active steps"
    return ""
