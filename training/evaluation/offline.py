"""Policies are asked about the same held-out samples, each as it was trained to be asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from nitropilot.places import spelled
from nitropilot.training.data.damage import Skipped, stop
from nitropilot.training.data.dataset import Dataset
from nitropilot.training.data.frames import open_frames
from nitropilot.training.data.recordings import open_clips
from nitropilot.training.errors import BadData
from nitropilot.training.evaluation.measures import Answers
from nitropilot.training.formats.finding import find_takes
from nitropilot.training.objective.draws import VALIDATION, Draw, draw
from nitropilot.training.objective.flow import flow_loss
from nitropilot.training.objective.times import TimeDistribution
from nitropilot.training.trainer.start import wish_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nitropilot.policy.network.policy import Policy
    from nitropilot.training.batch import Batch
    from nitropilot.training.data.wish import Wish
    from nitropilot.training.evaluation.policies import Entry
    from nitropilot.training.trainer.config import DataConfig

    Key = tuple[str, int]
    """A recording and a frame of its video."""


@dataclass(frozen=True)
class Held:
    """What all policies are asked.

    Attributes:
        datasets: One a policy: they differ in size of pictures, horizon, layout and games.
        samples: For each the numbers of the same samples, in the same order.
        prefix: Actions that all answer with: the shortest horizon.
        longest: The longest one.
        recordings: Their names.
        skipped: Recordings that were left out, with the reason.
    """

    datasets: list[Dataset]
    samples: list[list[int]]
    prefix: int
    longest: int
    recordings: list[str]
    skipped: dict[str, str] = field(default_factory=dict)


def open_held_out(
    entries: Sequence[Entry],
    data: DataConfig,
    share: float,
    most: int,
    frames: Path,
    tell: Callable[[int, int], None] = lambda _done, _all: None,
) -> Held:
    """Read what is held out, as ``trainer.preparing`` does.

    Args:
        entries: The policies, which can be compared.
        data: Which recordings, and what is made of them.
        share: How much is held out: what a run with the same data and share validates on; 1 is all.
        most: Samples at most, spread evenly over what is held out.
        frames: Where decoded frames are kept.
        tell: Is told how many recordings are decoded, of how many.

    Raises:
        TrainingError: Something does not go together, or there is no room, or nothing is held out.
        RecordsError: A recording cannot be read, where that is to stop.
    """
    folders = find_takes(spelled(place) for place in data.data)
    skipped = Skipped()
    on_damage = skipped if data.damaged == "skip" else stop
    datasets, opened = [], {}
    for entry in entries:
        wish: Wish = wish_of(entry.shape, data)
        if wish not in opened:
            clips = open_clips(folders, wish, on_damage)
            opened[wish] = open_frames(clips, wish.size, frames, on_damage, data.workers, tell)
        if skipped.folders and not opened[wish]:
            first, why = next(iter(skipped.folders.items()))
            raise BadData(f"none of {len(folders)} recordings can be used: {first}: {why}")
        games = dict(entry.shape.games) if entry.shape.sizes.game_rows else None
        datasets.append(Dataset(opened[wish], wish, games))
    held = [_held_out(dataset, share) for dataset in datasets]
    common = [key for key in held[0] if all(key in other for other in held[1:])]
    if not common:
        raise BadData(
            f"of {len(datasets[0])} samples none is held out for every policy",
            "hold out a larger share with --held-out (1 is all), or name more recordings",
        )
    places = np.unique(np.linspace(0, len(common) - 1, min(most, len(common))).round().astype(int))
    chosen = [common[place] for place in places]
    horizons = [dataset.wish.timeline.horizon for dataset in datasets]
    return Held(
        datasets,
        [[keys[key] for key in chosen] for keys in held],
        min(horizons),
        max(horizons),
        list(dict.fromkeys(name for name, _ in chosen)),
        skipped.folders,
    )


def _held_out(dataset: Dataset, share: float) -> dict[Key, int]:
    """The held-out samples of a data set by what they are of, in order."""
    numbers = np.arange(len(dataset)) if share == 1 else dataset.split(share)[1]
    return {dataset.key(int(number)): int(number) for number in numbers}


def ask(
    policy: Policy,
    dataset: Dataset,
    samples: Sequence[int],
    span: tuple[int, int],
    noises: int,
    batch_size: int,
    device: torch.device,
) -> Answers:
    """Ask a policy about samples.

    Noise and times are those of a run's validation: a function of the sample's place alone, so
    that all policies are asked with the same; of a shorter horizon the first part.

    Args:
        policy: On ``device``.
        dataset: Has the samples.
        samples: Their numbers, at least one.
        span: How many actions of an answer count, and the longest horizon of all policies.
        noises: Chunks of each sample, at least 1.
        batch_size: Samples at a time.
        device: Where it computes.

    Raises:
        BadData: No action of them is labelled.
    """
    prefix, longest = span
    total = counted = 0.0
    truth, said, known = [], [], []
    for start in range(0, len(samples), batch_size):
        batch = dataset.batch(samples[start : start + batch_size]).to(device)
        weights = batch.weights.clone()
        weights[:, prefix:] = 0.0
        drawn = _drawn(policy, len(batch), (0, VALIDATION, start), longest).to(device)
        with torch.no_grad():
            loss = float(flow_loss(policy, replace(batch, weights=weights), drawn))
        weight = float(weights.sum())
        total, counted = total + loss * weight, counted + weight
        others = (_drawn(policy, len(batch), (k, VALIDATION, start), longest)
                  for k in range(1, noises))  # fmt: skip
        chunks = [_chunk(policy, batch, each.to(device)) for each in (drawn, *others)]
        said.append(np.stack(chunks)[:, :, :prefix])
        truth.append(batch.actions.cpu().numpy()[:, :prefix])
        known.append((weights[:, :prefix].sum(-1) > 0).cpu().numpy())
    if not counted:
        raise BadData(
            f"of {len(samples)} held-out samples no action has a label", "name other recordings"
        )
    return Answers(
        np.concatenate(truth), np.concatenate(said, 1), np.concatenate(known),
        dataset.wish.layout, dataset.hz, total / counted,
    )  # fmt: skip


def _drawn(policy: Policy, count: int, key: tuple[int, int, int], longest: int) -> Draw:
    its = draw(key, (count, longest, policy.action_dim), TimeDistribution())
    horizon = policy.horizon
    return Draw(its.noise[:, :horizon], its.times, its.hide_game, its.hide_actions[:, :horizon])


def _chunk(policy: Policy, batch: Batch, drawn: Draw) -> np.ndarray:
    games = None if batch.games is None else batch.games.tolist()
    dropped = None if batch.keep is None else ~batch.keep
    answer = policy.sample(batch.images(), drawn.noise, game=games, dropped=dropped)
    return answer.cpu().numpy()
