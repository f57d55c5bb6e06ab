"""``Dataset``: samples of many recordings by number, and which of them are held out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch

from nitropilot.training.batch import Batch
from nitropilot.training.data.augment import Augmentation, augment
from nitropilot.training.data.recordings import ABSENT, stick_channels
from nitropilot.training.errors import BadData

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from nitropilot.training.data.frames import Frames
    from nitropilot.training.data.order import Place
    from nitropilot.training.data.recordings import Clip
    from nitropilot.training.data.wish import Wish

    Change = Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]
    """Makes other frames (``F x S x S x 3``) of a sample's; is told its place in the batch."""

AUGMENT = 4
"""Stream of random numbers; see ``objective.draws``."""
FEW_CLIPS = 5
"""From so many recordings on, whole ones are held out; of fewer, the end of each."""


class Dataset:
    """Samples, all in one row: those of the first recording, then those of the next.

    Args:
        clips: The recordings with their frames.
        wish: What was made of them.
        games: Rows of the game embedding by name; None for a policy without games.
        unused_weight: How much channels count that are the same in every row of every
            recording: they would fill the loss of a game that has few buttons.

    Raises:
        BadData: There is no sample.
    """

    def __init__(
        self,
        clips: Sequence[tuple[Clip, Frames]],
        wish: Wish,
        games: Mapping[str, int] | None = None,
        unused_weight: float = 1.0,
    ) -> None:
        self.clips = [clip for clip, _ in clips]
        self.wish = wish
        self._frames = [frames for _, frames in clips]
        self._weights = [clip.weights for clip in self.clips]
        self._starts = np.cumsum([0, *map(len, self.clips)])
        if not len(self):
            raise BadData(
                "the data has no sample: no unbroken stretch of it is as long as "
                f"{wish.timeline.horizon} actions that begin {wish.timeline.shift} after a frame",
                "record longer, or ask for fewer active steps",
            )
        self._games = None if games is None else [games.get(clip.game, 0) for clip in self.clips]
        width = self.clips[0].actions.shape[1]
        self.used = np.zeros(width, bool)
        for clip in self.clips:
            self.used |= (clip.actions != self.clips[0].actions[0]).any(axis=0)
        self._channel = np.where(self.used, 1.0, unused_weight).astype(np.float32)

    def __len__(self) -> int:
        """Samples."""
        return int(self._starts[-1])

    @property
    def hz(self) -> float:
        """Rows a second."""
        return self.clips[0].hz

    @property
    def games(self) -> list[str]:
        """Games of the recordings, by name."""
        return sorted({clip.game for clip in self.clips})

    @property
    def sticks(self) -> slice:
        """The channels of the sticks."""
        return stick_channels(self.wish.layout)

    def digest(self) -> str:
        """Of which samples these are: the same data and wishes have the same."""
        found = hashlib.sha256()
        for clip in self.clips:
            found.update(f"{clip.id} {clip.game} {clip.hz}".encode())
            for array in (clip.frames, clip.first, clip.actions):
                found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()

    def split(self, share: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The numbers of the samples to learn from, and of those that are held out.

        Whole recordings are held out where there are several, as frames of one play are much
        alike; otherwise the end of each, and no action is on both sides.

        Args:
            share: How much is held out, about.
        """
        if not share:
            return np.arange(len(self)), np.arange(0)
        learn: list[NDArray[np.int64]] = []
        held: list[NDArray[np.int64]] = []
        every = max(round(1 / share), 2)
        for number, clip in enumerate(self.clips):
            samples = np.arange(self._starts[number], self._starts[number + 1])
            if len(self.clips) >= FEW_CLIPS:
                (held if number % every == every - 1 else learn).append(samples)
                continue
            cut = round(len(samples) * (1 - share))
            ends = clip.first[cut] - self.wish.timeline.horizon if cut < len(samples) else np.inf
            learn.append(samples[:cut][clip.first[:cut] <= ends])
            held.append(samples[cut:])
        learned = np.concatenate(learn)
        if not len(learned):
            raise BadData(
                f"of {len(self)} samples none is left to learn from", "hold out a smaller share"
            )
        return learned, np.concatenate(held) if held else np.arange(0)

    def named(self, sample: int) -> str:
        """Where a sample is, for people."""
        number, place = self._place(sample)
        clip = self.clips[number]
        return f"frame {clip.frames[place, -1]} of {clip.id}"

    def key(self, sample: int) -> tuple[str, int]:
        """What a sample is of, whoever asks: the recording's place, and the frame it shows last."""
        number, place = self._place(sample)
        return str(self.clips[number].folder), int(self.clips[number].frames[place, -1])

    def batch(self, samples: Sequence[int], change: Change | None = None) -> Batch:
        """Samples side by side.

        Args:
            samples: Their numbers.
            change: How the frames of each are changed; None: not at all.
        """
        frames, actions, weights = [], [], []
        for turn, sample in enumerate(samples):
            number, place = self._place(sample)
            clip = self.clips[number]
            pictures = self._frames[number].take(clip.frames[place])
            frames.append(change(pictures, turn) if change else pictures)
            rows = slice(clip.first[place], clip.first[place] + self.wish.timeline.horizon)
            actions.append(clip.actions[rows])
            weights.append(self._weights[number][rows, None] * self._channel)
        kept = np.array([self._context(sample) != ABSENT for sample in samples])
        return Batch(
            torch.from_numpy(np.stack(frames).transpose(0, 1, 4, 2, 3).copy()),
            torch.from_numpy(np.stack(actions)),
            torch.from_numpy(np.stack(weights).astype(np.float32)),
            None if kept.all() else torch.from_numpy(kept),
            self._rows(samples),
            tuple(map(int, samples)),
        )

    def _rows(self, samples: Sequence[int]) -> torch.Tensor | None:
        if self._games is None:
            return None
        return torch.tensor([self._games[self._place(sample)[0]] for sample in samples])

    def _context(self, sample: int) -> NDArray[np.int64]:
        number, place = self._place(sample)
        frames: NDArray[np.int64] = self.clips[number].frames[place]
        return frames

    def _place(self, sample: int) -> tuple[int, int]:
        number = int(np.searchsorted(self._starts, sample, side="right")) - 1
        return number, int(sample - self._starts[number])


def changes(seed: int, places: Sequence[Place], how: Augmentation) -> Changing | None:
    """How the frames of a batch are changed: a pure function of seed, epoch and sample."""
    return None if how.nothing else Changing(seed, places, how)


class Changing:
    """Changes the frames of one batch."""

    def __init__(self, seed: int, places: Sequence[Place], how: Augmentation) -> None:
        self._seed, self._places, self._how = seed, places, how

    def __call__(self, frames: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
        """The frames of the sample of that turn, changed."""
        place = self._places[turn]
        rng = np.random.default_rng((self._seed, AUGMENT, place.epoch, place.sample))
        return augment(frames, self._how, rng)
