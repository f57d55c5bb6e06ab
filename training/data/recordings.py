"""Recordings as samples, without their pictures: which frames, which actions.

What belongs together in time is said by ``records``: ``pairs`` finds the frame and the actions,
and ``ContextRing``, which the player uses too, the frames before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.policy.actions import LABELS, STICK_CHANNELS
from nitropilot.records.errors import FramesWithoutTimes, RecordsError
from nitropilot.records.format import FACTS, ID
from nitropilot.records.pairs import pairs
from nitropilot.records.reader import read_recording
from nitropilot.records.timeline import ContextRing, Timeline
from nitropilot.training.data.corrections import row_weights
from nitropilot.training.errors import BadData

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from nitropilot.policy.actions import DecodedChunk, Layout
    from nitropilot.training.data.damage import OnDamage
    from nitropilot.training.data.wish import Wish

TILTED = 0.1
"""A stick further from its middle than this is moved."""
ABSENT = -1
"""In place of a frame that does not exist."""
NOBODY = "none"
"""Source of rows for which there was nothing to send: they teach nothing."""


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

    @property
    def weights(self) -> NDArray[np.float32]:
        """Of each row, how much it is learned from; 0: not at all."""
        counts = 1.0 if self.counts is None else self.counts
        return (self.known * counts).astype(np.float32)

    def __len__(self) -> int:
        """Samples."""
        return len(self.first)


def find_recordings(places: Iterable[Path]) -> list[Path]:
    """The folders of recordings: each place is one, or holds them, or has ``recordings/``.

    Raises:
        BadData: A place is not there, or holds none, or one recording is named twice.
    """
    found: list[Path] = []
    for place in places:
        if not place.is_dir():
            raise BadData(f"there is no folder {place}", "name one that holds recordings")
        inside = [place] if (place / FACTS).is_file() else _held(place)
        inside = inside or _held(place / "recordings")
        if not inside:
            raise BadData(
                f"{place} holds no recordings", "make some with `nitropilot record --out DIR`"
            )
        found += inside
    for number, folder in enumerate(found):
        if folder.resolve() in {other.resolve() for other in found[:number]}:
            raise BadData(f"{folder} is named twice", "name each recording once")
    if not found:
        raise BadData("no data is named", "name folders with recordings with --data")
    return found


def _held(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    return sorted(path for path in place.iterdir() if ID.fullmatch(path.name) and path.is_dir())


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
    return clips


def _same_rate(clip: Clip, wish: Wish, others: list[Clip]) -> None:
    if wish.hz is not None and clip.hz != wish.hz:
        raise BadData(
            f"{clip.folder} has {clip.hz:g} rows a second, and the policy acts {wish.hz:g} times",
            "name recordings of that rate alone",
        )
    if others and others[0].hz != clip.hz:
        raise BadData(
            f"{clip.folder} has {clip.hz:g} rows a second, and {others[0].folder} {others[0].hz:g}",
            "train on recordings of one rate",
        )


def open_clip(folder: Path, wish: Wish) -> Clip:
    """Read one recording.

    Raises:
        RecordsError: It cannot be read, or its frames have no times.
    """
    recorded = read_recording(folder)
    chunk = decoded_rows(recorded.rows)
    sources = recorded.rows["source"].to_numpy(zero_copy_only=False)
    try:
        found = _samples(recorded.rows, wish)
    except FramesWithoutTimes as error:
        raise FramesWithoutTimes(f"{folder}: {error}", error.hint) from None
    moving = _active(chunk)
    horizon = wish.timeline.horizon
    kept = [
        (frames, first)
        for frames, first in found[:: wish.stride]
        if moving[first : first + horizon].mean() >= wish.active
    ]
    return Clip(
        folder,
        str(recorded.facts["id"]),
        str(recorded.facts["game"]),
        float(recorded.facts["fps"]),
        recorded.video,
        np.array([frames for frames, _ in kept], np.int64).reshape(-1, wish.frames),
        np.array([first for _, first in kept], np.int64),
        wish.layout.write(chunk),
        np.asarray(sources != NOBODY, bool),
        row_weights(sources, recorded.facts["fps"], wish.corrections, wish.before_takeover),
    )


def decoded_rows(rows: pa.Table) -> DecodedChunk:
    """The actions of a recording's rows."""
    buttons = [rows[name.lower()].to_numpy(zero_copy_only=False)[:, None] for name in LABELS.tokens]
    sticks = [
        np.array(rows[name].to_pylist(), np.float32).reshape(-1, 2)
        for name in ("j_left", "j_right")
    ]
    return LABELS.read(np.concatenate([*buttons, *sticks], axis=1, dtype=np.float32))


def _samples(rows: pa.Table, wish: Wish) -> list[tuple[list[int], int]]:
    """Each sample's frames and the row of its first action, by time."""
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


def _active(chunk: DecodedChunk) -> NDArray[np.bool_]:
    """Of each action, whether something is pressed or tilted."""
    sticks = np.concatenate([chunk.j_left, chunk.j_right], axis=-1)
    moved: NDArray[np.bool_] = chunk.buttons.any(axis=-1) | (np.abs(sticks) > TILTED).any(axis=-1)
    return moved


def stick_channels(layout: Layout) -> slice:
    """Which channels of an action are the sticks'."""
    return slice(0, STICK_CHANNELS) if layout.sticks_first else slice(-STICK_CHANNELS, None)
