"""``measure_shift``: by how many ticks labels and pictures are apart, measured from both.

What is pressed shows: something begins to move, or to move another way.  For each offset a ridge
regression guesses from what moved in a tick, and in the one before it (``checks.motion``), which
buttons went down and how sticks turned so many ticks later; it is scored on stretches that it was
not fitted to.  Changes are guessed and not states, as states last and fit at many offsets alike.
The offset with the best score is where labels belong.  How sure that is says a bootstrap over
blocks of time: the share of resampled scores in which the same offset wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.actions import TOKENS
from nitropilot.records.errors import DamagedRecording
from nitropilot.training.checks.motion import motion_of
from nitropilot.training.formats.take import TILTED, decoded_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from nitropilot.training.formats.take import Take

    Seen = tuple[Take, NDArray[np.float32], NDArray[np.bool_]]

OFFSETS = range(-12, 25)
"""Ticks from a picture to the label that is tried; 0 is what the data's own times say."""
FOLDS, BLOCKS = 5, 40
RIDGE = 0.01
"""Of the mean square of a feature."""
FEWEST = 15
"""Changes of a channel that are needed to guess it."""
LEAST = 0.01
"""Score below which nothing was found."""
SURE = 0.9
"""Least share of the resampled scores in which the best offset has to win."""
RESAMPLES = 200
CHANNELS = ("left_x", "left_y", "right_x", "right_y", *(token.lower() for token in TOKENS))


@dataclass(frozen=True)
class Shift:
    """What was measured.

    Attributes:
        scores: Of each offset: the mean share, 0 to 1, of the changes that pictures explain.
        best: The offset with the best score.
        sure: Share of the resampled scores in which it wins.
        channels: What was guessed from.
        ticks: How many were looked at.
        why_not: Why nothing can be told; empty if something can.
    """

    scores: dict[int, float]
    best: int
    sure: float
    channels: tuple[str, ...]
    ticks: int
    why_not: str = ""


def measure_shift(
    takes: Iterable[Take], left_out: Callable[[Take, DamagedRecording], object], seed: int = 0
) -> Shift:
    """Measure over recordings that are labelled in one way.

    Args:
        takes: The recordings.
        left_out: Is told of each whose video cannot be decoded, and why.
        seed: Of the resampling.
    """
    seen: list[Seen] = []
    for take in takes:
        try:
            seen.append((take, *motion_of(take)))
        except DamagedRecording as error:
            left_out(take, error)
    return score_shift(seen, seed)


def score_shift(seen: Iterable[Seen], seed: int = 0) -> Shift:
    """Measure over recordings whose motion is known: what ``motion_of`` gives for each."""
    features, targets, count = _collect(seen)
    if not count:
        why = "no two ticks that follow each other have pictures of their own"
        return Shift(dict.fromkeys(OFFSETS, 0.0), 0, 0.0, (), 0, why)
    events = (np.abs(targets[-OFFSETS.start]) > TILTED).sum(axis=0)
    use = events >= FEWEST
    names = tuple(name for name, used in zip(CHANNELS, use, strict=False) if used)
    if not names:
        why = f"no button goes down, and no stick turns, {FEWEST} times"
        return Shift(dict.fromkeys(OFFSETS, 0.0), 0, 0.0, (), count, why)
    errors, energy = _errors(features, targets[:, :, use])
    scores = _scores(errors.sum(axis=0), energy.sum(axis=0))
    best = int(scores.argmax())
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(errors), size=(RESAMPLES, len(errors)))
    wins = [
        int(_scores(errors[each].sum(axis=0), energy[each].sum(axis=0)).argmax()) == best
        for each in drawn
    ]
    sure = float(np.mean(wins))
    return Shift(
        {offset: round(float(score), 4) for offset, score in zip(OFFSETS, scores, strict=True)},
        OFFSETS[best], round(sure, 3), names, count, _why_not(scores[best], OFFSETS[best], sure),
    )  # fmt: skip


def _why_not(score: float, best: int, sure: float) -> str:
    if score < LEAST:
        return "what is pressed does not show in what moves"
    if best in (OFFSETS[0], OFFSETS[-1]):
        return f"the best offset, {best}, is the last one that was tried"
    if sure < SURE:
        return f"the best offset, {best}, wins in no more than {sure:.0%} of the resampled scores"
    return ""


def _collect(
    seen: Iterable[Seen],
) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    """``N x features``, ``offsets x N x channels`` changes, and N: of ticks that have them all."""
    features: list[NDArray[np.float32]] = []
    targets: list[NDArray[np.float32]] = []
    for take, moved, known in seen:
        rows, stretch = len(known), take.column("stretch").astype(np.int64)
        changes = _changes(take)
        before, after = 1 - OFFSETS[0], OFFSETS[-1]
        ticks = np.arange(before, max(rows - after, before))
        whole = (
            known[ticks] & known[ticks - 1] & (stretch[ticks - before] == stretch[ticks + after])
        )
        ticks = ticks[whole]
        features.append(np.concatenate([moved[ticks], moved[ticks - 1]], axis=1))
        targets.append(np.stack([changes[ticks + offset] for offset in OFFSETS]))
    if not features or not sum(map(len, features)):
        return np.zeros((0, 1), np.float32), np.zeros((len(OFFSETS), 0, 1), np.float32), 0
    found = np.concatenate(features)
    scale = found.std(axis=0) + 1e-6
    found = np.clip((found - found.mean(axis=0)) / scale, -5.0, 5.0)
    return found, np.concatenate(targets, axis=1), len(found)


def _changes(take: Take) -> NDArray[np.float32]:
    """``rows x channels``: by how much sticks turned, and 1 where a button went down."""
    chunk = decoded_rows(take.rows)
    sticks = np.concatenate([chunk.j_left, chunk.j_right], axis=1)
    turned = np.diff(sticks, axis=0, prepend=sticks[:1])
    down = np.maximum(np.diff(chunk.buttons.astype(np.float32), axis=0, prepend=0), 0.0)
    down[:1] = 0.0
    return np.concatenate([turned, down], axis=1).astype(np.float32)


def _errors(
    features: NDArray[np.float32], targets: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What a ridge fitted elsewhere leaves unexplained, and what there was to explain.

    Returns:
        Both ``blocks x offsets x channels``: sums of squares.
    """
    offsets, count, channels = targets.shape
    blocks = np.arange(count) * BLOCKS // count
    wide = targets.transpose(1, 0, 2).reshape(count, -1).astype(np.float64)
    wide -= wide.mean(axis=0)
    known = features.astype(np.float64)
    errors, energy = np.zeros((BLOCKS, offsets * channels)), np.zeros((BLOCKS, offsets * channels))
    square, product = known.T @ known, known.T @ wide
    calm = RIDGE * np.trace(square) / len(square) * np.eye(len(square))
    for fold in range(FOLDS):
        held = blocks % FOLDS == fold
        mine, wanted = known[held], wide[held]
        weights = np.linalg.solve(square - mine.T @ mine + calm, product - mine.T @ wanted)
        left = (wanted - mine @ weights) ** 2
        for block in np.unique(blocks[held]):
            inside = blocks[held] == block
            errors[block], energy[block] = (
                left[inside].sum(axis=0),
                (wanted[inside] ** 2).sum(axis=0),
            )
    shape = (BLOCKS, offsets, channels)
    return errors.reshape(shape), energy.reshape(shape)


def _scores(errors: NDArray[np.float64], energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each offset: the explained share of each channel, 0 where it is less, on average."""
    explained = 1.0 - errors / np.maximum(energy, 1e-9)
    return np.asarray(np.maximum(explained, 0.0).mean(axis=-1), np.float64)
