"""How well a network reads samples, beside what is right without looking; and its calibration."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from nitropilot.dataset.parsing.answer import BUTTONS, STICKS, Answer, cells_of, positions
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.parsing.network import Parser
    from nitropilot.dataset.teaching.batches import Batch

FEWEST = 3
"""Moments in which a button must be down for its F1 to count."""
SHARPNESS = np.exp(np.linspace(np.log(0.25), np.log(4.0), 33))
BIASES = np.linspace(-1.5, 1.5, 25)


@dataclass(frozen=True)
class Scores:
    """Of some samples; what a controller does not show does not count.

    Attributes:
        samples: How many.
        accuracy: Share of buttons that are right.
        f1: Mean of the buttons' F1.
        r2: Mean of the axes' R2.
        always_off: Accuracy of a reader that says nothing is pressed; its F1 is 0.
        always_centre: R2 of one that says sticks rest.
        shown: Share of right answers to what a controller has.
        by_button: F1 of each that was pressed.
    """

    samples: int
    accuracy: float
    f1: float
    r2: float
    always_off: float
    always_centre: float
    shown: float
    by_button: dict[str, float]

    @property
    def figure(self) -> float:
        """One number to choose by: half of it is buttons, half sticks."""
        return 0.5 * self.f1 + 0.5 * max(self.r2, -1.0)

    def plain(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


class Read(NamedTuple):
    """Answers and truths of many samples: see ``Answer`` and ``Sample`` for their shapes.

    Attributes:
        buttons: Logits.
        grids: Logits.
        sticks: ``N x 4``: where they are read.
        shown: Logits.
        truth: All else, as in ``Batch``.
    """

    buttons: NDArray[np.float32]
    grids: NDArray[np.float32]
    sticks: NDArray[np.float32]
    shown: NDArray[np.float32]
    truth: Batch

    def part(self, chosen: NDArray[np.bool_]) -> Read:
        """Some of the samples."""
        keep = torch.from_numpy(chosen)
        truth = type(self.truth)(*(each[keep] for each in self.truth))
        return Read(self.buttons[chosen], self.grids[chosen], self.sticks[chosen],
                    self.shown[chosen], truth)  # fmt: skip


@torch.no_grad()
def read_batches(parser: Parser, some: Iterable[Batch]) -> Read:
    """What a network says of samples, with its calibration; in evaluation mode."""
    device = next(parser.parameters()).device
    was = parser.training
    parser.eval()
    said: list[Answer] = []
    truths: list[Batch] = []
    for batch in some:
        answer = parser.calibrated(parser(batch.pictures.to(device), batch.reference.to(device)))
        said.append(Answer(*(each.float().cpu() for each in answer)))
        empty = batch.pictures.new_zeros(len(batch.style), 0)  # pictures are not needed any more
        truths.append(batch._replace(pictures=empty, reference=empty, places=empty))
    parser.train(was)
    truth = type(truths[0])(*(torch.cat(parts) for parts in zip(*truths, strict=True)))
    at = torch.cat([positions(each.grids, each.offsets).flatten(1) for each in said])
    buttons, grids, shown = (
        torch.cat([getattr(each, name) for each in said]).numpy()
        for name in ("buttons", "grids", "shown")
    )
    return Read(buttons, grids, at.numpy(), shown, truth)


def scores_of(read: Read) -> Scores:
    """Hold answers against the truth."""
    truth, shown = read.truth.buttons.numpy(), read.truth.shown_buttons.numpy()
    said = read.buttons > 0
    by_button = of_buttons(said, truth, shown)
    axes = np.repeat(read.truth.shown_sticks.numpy(), 2, axis=1)
    sticks = read.truth.sticks.numpy()
    has = np.concatenate([shown, read.truth.shown_sticks.numpy()], axis=1)
    return Scores(
        len(truth),
        float((said == truth)[shown].mean()) if shown.any() else float("nan"),
        float(np.mean(list(by_button.values()))) if by_button else float("nan"),
        of_axes(read.sticks, sticks, axes),
        float((~truth)[shown].mean()) if shown.any() else float("nan"),
        of_axes(np.zeros_like(sticks), sticks, axes),
        float(((read.shown > 0) == has).mean()),
        by_button,
    )


def by_kind(read: Read) -> dict[str, Scores]:
    """Scores of all, of opaque controllers and of the others, as far as there are some."""
    opaque = read.truth.opaque.numpy().astype(bool)
    found = {"all": scores_of(read)}
    for name, chosen in (("opaque", opaque), ("outline, translucent", ~opaque)):
        if chosen.any():
            found[name] = scores_of(read.part(chosen))
    return found


def calibrate(parser: Parser, read: Read) -> None:
    """Make a network as sure as it is right, and its buttons' zero the best divide.

    Temperatures (Guo et al. 2017), one for each button and stick, are those under which the truth
    is the likeliest; the bias is that of the best F1 over all buttons.

    Args:
        parser: Changed.
        read: What it says, not calibrated, of samples that it never learned from.
    """
    truth, shown = read.truth.buttons.numpy(), read.truth.shown_buttons.numpy()
    sharpness = np.ones(BUTTONS + STICKS)
    for index in range(BUTTONS):
        keep = shown[:, index]
        down = truth[keep, index]
        if min(down.sum(), (~down).sum()) >= FEWEST:
            sign = np.where(down, 1.0, -1.0) * read.buttons[keep, index]
            each = [np.logaddexp(0, -sign / by).mean() for by in SHARPNESS]
            sharpness[index] = SHARPNESS[int(np.argmin(each))]
    cells = _cells(read)
    for index in range(STICKS):
        keep = read.truth.shown_sticks.numpy()[:, index]
        if keep.sum() >= FEWEST:
            logits = read.grids[keep, index].reshape(int(keep.sum()), -1)
            right = np.take_along_axis(logits, cells[keep, index][:, None], 1)[:, 0]
            each = [(_total(logits / by) - right / by).mean() for by in SHARPNESS]
            sharpness[BUTTONS + index] = SHARPNESS[int(np.argmin(each))]
    logits = read.buttons / sharpness[:BUTTONS]
    f1 = [mean_f1(of_buttons(logits + bias > 0, truth, shown)) for bias in BIASES]
    best = np.flatnonzero(np.array(f1) >= max(f1) - 1e-9)
    nearest = best[np.argmin(np.abs(BIASES[best]))]
    parser.sharpness.copy_(torch.from_numpy(sharpness))
    parser.bias.fill_(float(BIASES[nearest]))


def _cells(read: Read) -> NDArray[np.int64]:
    found: NDArray[np.int64] = cells_of(read.truth.sticks.view(-1, STICKS, 2))[0].numpy()
    return found


def _total(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logarithm of the sum of what they are the logarithms of."""
    top = logits.max(axis=1)
    total: NDArray[np.float32] = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return total


def of_buttons(
    said: NDArray[np.bool_], truth: NDArray[np.bool_], shown: NDArray[np.bool_]
) -> dict[str, float]:
    """Of each button that is shown and down often enough."""
    said, truth = said & shown, truth & shown
    both, either = (said & truth).sum(axis=0), said.sum(axis=0) + truth.sum(axis=0)
    return {
        name: float(2 * both[index] / max(either[index], 1))
        for index, name in enumerate(PUBLISHED_BUTTONS)
        if truth[:, index].sum() >= FEWEST
    }


def mean_f1(each: dict[str, float]) -> float:
    return float(np.mean(list(each.values()))) if each else 0.0


def of_axes(
    read: NDArray[np.float32], truth: NDArray[np.float32], shown: NDArray[np.bool_]
) -> float:
    """Mean of the axes that are shown and move."""
    each: Sequence[float] = [
        1 - float(np.square(read[keep, axis] - truth[keep, axis]).mean() / spread)
        for axis in range(truth.shape[1])
        if (keep := shown[:, axis]).any() and (spread := float(truth[keep, axis].var())) > 1e-4
    ]
    return float(np.mean(each)) if each else float("nan")
