"""Recordings as samples, without their pictures: which frames, which actions.

What belongs together in time is said by ``records``: ``pairs`` finds the frame and the actions,
and ``ContextRing``, which the player uses too, the frames before it.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.actions import STICK_CHANNELS
from nitropilot.records.errors import RecordsError
from nitropilot.records.pairs import pairs
from nitropilot.records.timeline import ContextRing, Timeline
from nitropilot.training.data.corrections import row_weights
from nitropilot.training.errors import BadData
from nitropilot.training.formats.finding import open_take
from nitropilot.training.formats.rates import resampled
from nitropilot.training.formats.take import active, decoded_rows
from nitropilot.training.formats.view import WHOLE, View

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from nitropilot.policy.actions import Layout
    from nitropilot.training.data.damage import OnDamage
    from nitropilot.training.data.wish import Wish

log = logging.getLogger("nitropilot.training")

ABSENT = -1
"""In place of a frame that does not exist."""


@dataclass(frozen=True, eq=False)
class Clip:
    """One recording, of N samples.

    Attributes:
        folder: Where it is.
        id: Its name.
        game: Of what.
        hz: Rows a second.
        video: Its video.
        frames: ``N x F`` frames of the video, oldest first; ``ABSENT`` for none.
        first: N rows of the first actions.
        actions: ``rows x A`` actions as the policy's layout stores them.
        known: Of each row, whether anything was sent.
        counts: Of each row, how much it counts beside the others; None: all alike.
        view: What of a picture is looked at.
        read_hz: Rows a second that it was read with, where it was resampled.
    """

    folder: Path
    id: str
    game: str
    hz: float
    video: Path
    frames: NDArray[np.int64]
    first: NDArray[np.int64]
    actions: NDArray[np.float32]
    known: NDArray[np.bool_]
    counts: NDArray[np.float32] | None = None
    view: View = WHOLE
    read_hz: float | None = None

    @property
    def weights(self) -> NDArray[np.float32]:
        """Of each row, how much it is learned from; 0: not at all."""
        counts = 1.0 if self.counts is None else self.counts
        return (self.known * counts).astype(np.float32)

    def __len__(self) -> int:
        """Samples."""
        return len(self.first)


def open_clips(folders: Iterable[Path], wish: Wish, on_damage: OnDamage) -> list[Clip]:
    """Read recordings.

    Args:
        folders: Theirs.
        wish: What is made of them.
        on_damage: Is asked about each that cannot be read.

    Raises:
        BadData: Their rates differ from each other, or from the policy's.
    """
    clips: list[Clip] = []
    for folder in folders:
        try:
            clip = open_clip(folder, wish)
        except RecordsError as error:
            on_damage(folder, error)
            continue
        _same_rate(clip, wish, clips)
        clips.append(clip)
    for hz, count in Counter(clip.read_hz for clip in clips if clip.read_hz).items():
        log.warning("resampled %d recordings from %g to %g rows a second", count, hz, wish.resample)
    return clips


def _same_rate(clip: Clip, wish: Wish, others: list[Clip]) -> None:
    if wish.hz is not None and clip.hz != wish.hz:
        raise BadData(
            f"{clip.folder} has {clip.hz:g} rows a second, and the policy acts {wish.hz:g} times",
            "name recordings of that rate alone, or have them resampled with --hz",
        )
    if others and others[0].hz != clip.hz:
        raise BadData(
            f"{clip.folder} has {clip.hz:g} rows a second, and {others[0].folder} {others[0].hz:g}",
            "train on recordings of one rate, or name one to resample them to with --hz",
        )


def open_clip(folder: Path, wish: Wish) -> Clip:
    """Read one recording.

    Raises:
        RecordsError: It cannot be read, or its frames have no times.
    """
    take = open_take(folder)
    if wish.resample is not None:
        take = resampled(take, wish.resample)
    chunk = decoded_rows(take.rows)
    moving = active(chunk)
    horizon = wish.timeline.horizon
    kept = [
        (frames, first)
        for frames, first in _samples(take.rows, wish)[:: wish.stride]
        if moving[first : first + horizon].mean() >= wish.active
    ]
    shown = np.append(take.column("frame_index"), ABSENT)  # so that ABSENT stays what it is
    rows = np.array([frames for frames, _ in kept], np.int64).reshape(-1, wish.frames)
    return Clip(
        take.folder,
        take.id,
        take.game,
        take.hz,
        take.video,
        shown[rows].astype(np.int64),
        np.array([first for _, first in kept], np.int64),
        wish.layout.write(chunk),
        take.taught,
        row_weights(take.column("source"), take.hz, wish.corrections, wish.before_takeover),
        view=take.view,
        read_hz=take.read_hz,
    )


def _samples(rows: pa.Table, wish: Wish) -> list[tuple[list[int], int]]:
    """The rows of each sample's frames and the row of its first action, by time."""
    timeline = wish.timeline
    stretch = rows["stretch"].to_pylist()
    pictures = pairs(rows, Timeline(0, 1))
    ticks = {picture.frame: picture.first for picture in pictures}
    wanted = {pair.frame: pair.first for pair in pairs(rows, timeline)}
    ring: ContextRing[int] = ContextRing(timeline, wish.frames)
    last = ABSENT
    found = []
    for frame, tick in sorted(ticks.items(), key=lambda each: (each[1], each[0])):
        if stretch[tick] != last:
            ring.clear()
        last = stretch[tick]
        ring.add(tick, frame)
        if frame in wanted:
            there = ring.context()
            found.append(([ABSENT] * (wish.frames - len(there)) + there, wanted[frame]))
    return found


def stick_channels(layout: Layout) -> slice:
    """Which channels of an action are the sticks'."""
    return slice(0, STICK_CHANNELS) if layout.sticks_first else slice(-STICK_CHANNELS, None)
