"""Figures of chunks beside what was pressed: buttons, sticks, smoothness, calibration.

None of them says how well a policy plays; see ``trainer.scoring``.  Letters in shapes: K noises,
N samples, T actions of a chunk, A channels.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.policy.actions import TOKENS
from nitropilot.training.evaluation.calibration import calibration_error, reliability
from nitropilot.training.formats.take import TILTED
from nitropilot.training.trainer.scoring import compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from nitropilot.policy.actions import Layout
    from nitropilot.training.evaluation.calibration import Bin

DEAD_ZONE = TILTED
"""A stick closer to its middle than this points nowhere."""
NOWHERE = 90.0
"""Degrees that a stick at rest counts where the label's is tilted: the mean of all directions."""
JERK = 3
"""Which difference of positions it is."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a policy says of samples, beside what was pressed.

    Attributes:
        truth: ``N x T x A`` labels, as ``layout`` stores them.
        said: ``K x N x T x A`` chunks, one for each noise.
        known: ``N x T`` bool: for which actions there is a label.
        layout: Of both.
        hz: Actions a second.
        loss: The flow-matching loss, with noise and times that are always the same.
    """

    truth: NDArray[np.float32]
    said: NDArray[np.float32]
    known: NDArray[np.bool_]
    layout: Layout
    hz: float
    loss: float


@dataclass(frozen=True)
class ButtonScore:
    """One button.

    Attributes:
        support: Labels that press it.
        predicted: Actions of the first noise's chunks that do.
        precision, recall, f1: Of these; None where their divisor is 0.
        labelled_share: Share of labels that press it.
        predicted_share: Share of actions that do, over all noises.
    """

    support: int
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None
    labelled_share: float
    predicted_share: float


@dataclass(frozen=True)
class Smoothness:
    """How much chunks move within themselves.

    Attributes:
        flips: Changes of buttons a second, all buttons together.
        jerk: Mean length of the sticks' third derivative (stick widths / s^3), both sticks; None
            for chunks of fewer than 4 actions.
    """

    flips: float
    jerk: float | None


@dataclass(frozen=True)
class OfflineScores:
    """All figures of one policy.

    Attributes:
        loss: The flow-matching loss.
        samples, actions: How many of them there are labels for.
        noises: Chunks of each sample that calibration looks at.
        buttons: By name; those that labels or any policy of the report press.
        f1: Mean over the buttons that the labels or this policy press; None without any.
        r2: Coefficient of determination by stick axis that moved.
        angle: By stick: mean error of its direction in degrees, where the label's is tilted.
        tilted: By stick: labels that are.
        at_rest: By stick: share of those for which this policy leaves it at rest.
        smoothness, label_smoothness: Of the chunks, and of what was pressed; None where no chunk is
            labelled throughout.
        reliability: Bins that hold anything, low to high.
        calibration_error: Expected calibration error of them; None without any.
    """

    loss: float
    samples: int
    actions: int
    noises: int
    buttons: dict[str, ButtonScore]
    f1: float | None
    r2: dict[str, float]
    angle: dict[str, float]
    tilted: dict[str, int]
    at_rest: dict[str, float]
    smoothness: Smoothness | None
    label_smoothness: Smoothness | None
    reliability: tuple[Bin, ...]
    calibration_error: float | None

    @property
    def mean_r2(self) -> float | None:
        """Mean over the axes; None without any."""
        return float(np.mean([*self.r2.values()])) if self.r2 else None

    @property
    def mean_angle(self) -> float | None:
        """Mean over all tilted labels of both sticks, in degrees; None without any."""
        count = sum(self.tilted.values())
        return (
            sum(self.angle[name] * self.tilted[name] for name in self.angle) / count
            if count
            else None
        )

    def facts(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {**asdict(self), "mean_r2": self.mean_r2, "mean_angle": self.mean_angle}


def used_buttons(answers: Answers) -> set[str]:
    """Buttons that labels or chunks press."""
    truth, said = answers.layout.read(answers.truth), answers.layout.read(answers.said)
    sides = truth.buttons[answers.known].any(0), said.buttons[:, answers.known].any((0, 1))
    used = np.logical_or(*sides).tolist()
    return {name for name, there in zip(TOKENS, used, strict=True) if there}


def measure(answers: Answers, buttons: Sequence[str]) -> OfflineScores:
    """All figures of one policy.

    Args:
        answers: What it said; at least one label is known.
        buttons: Which are looked at: the same for all policies that are compared.
    """
    known, layout = answers.known, answers.layout
    truth, said = layout.read(answers.truth), layout.read(answers.said)
    places = [TOKENS.index(name) for name in buttons]
    pressed = truth.buttons[known][:, places]
    chance = said.buttons[:, known][:, :, places].mean(0)
    first = said.buttons[0][known][:, places]
    f1, r2 = compare(answers.truth[known], answers.said[0][known], layout)
    sticks = {
        name: angle_error(one[known], other[0][known])
        for name, one, other in (
            ("left", truth.j_left, said.j_left), ("right", truth.j_right, said.j_right),
        )
    }  # fmt: skip
    whole = known.all(1)
    sides: list[Smoothness | None] = [None, None]
    if whole.any() and known.shape[1] > 1:
        sides = [
            smoothness(side.buttons[whole], (side.j_left[whole], side.j_right[whole]), answers.hz)
            for side in (layout.read(answers.said[0]), truth)
        ]
    bins = reliability(chance.ravel(), pressed.ravel())
    return OfflineScores(
        loss=answers.loss,
        samples=int(known.any(1).sum()),
        actions=int(known.sum()),
        noises=len(answers.said),
        buttons={
            name: button_score(pressed[:, place], first[:, place], chance[:, place])
            for place, name in enumerate(buttons)
        },
        f1=float(np.mean([*f1.values()])) if f1 else None,
        r2=r2,
        angle={name: its[0] for name, its in sticks.items() if its[1]},
        tilted={name: its[1] for name, its in sticks.items() if its[1]},
        at_rest={name: its[2] for name, its in sticks.items() if its[1]},
        smoothness=sides[0],
        label_smoothness=sides[1],
        reliability=bins,
        calibration_error=calibration_error(bins),
    )


def button_score(
    pressed: NDArray[np.bool_], presses: NDArray[np.bool_], chance: NDArray[np.float64]
) -> ButtonScore:
    """One button; all three have one value an action: label, first noise, share of noises."""
    right, support, predicted = (
        int(each.sum()) for each in (pressed & presses, pressed, presses)
    )  # fmt: skip
    return ButtonScore(
        support,
        predicted,
        right / predicted if predicted else None,
        right / support if support else None,
        2 * right / (support + predicted) if support + predicted else None,
        float(pressed.mean()),
        float(chance.mean()),
    )


def angle_error(was: NDArray[np.float32], said: NDArray[np.float32]) -> tuple[float, int, float]:
    """How far a stick's direction is off.

    Args:
        was, said: ``n x 2`` positions.

    Returns:
        The mean in degrees over labels that are tilted, how many these are, and the share of them
        for which ``said`` is at rest, which counts as ``NOWHERE``.
    """
    tilted = np.hypot(*was.T) > DEAD_ZONE
    if not tilted.any():
        return 0.0, 0, 0.0
    one, other = was[tilted].astype(np.float64), said[tilted].astype(np.float64)
    turned = np.arctan2(one[:, 1], one[:, 0]) - np.arctan2(other[:, 1], other[:, 0])
    degrees = np.abs((np.degrees(turned) + 180.0) % 360.0 - 180.0)
    rest = np.hypot(*other.T) <= DEAD_ZONE
    return float(np.where(rest, NOWHERE, degrees).mean()), len(one), float(rest.mean())


def smoothness(
    buttons: NDArray[np.bool_], sticks: Sequence[NDArray[np.float32]], hz: float
) -> Smoothness:
    """How much whole chunks move.

    Args:
        buttons: ``N x T x B``.
        sticks: ``N x T x 2`` each.
        hz: Actions a second.
    """
    count, length = buttons.shape[:2]
    flips = (buttons[:, 1:] != buttons[:, :-1]).sum() / (count * (length - 1) / hz)
    if length <= JERK:
        return Smoothness(float(flips), None)
    thirds = [np.diff(stick.astype(np.float64), JERK, axis=1) * hz**JERK for stick in sticks]
    return Smoothness(
        float(flips), float(np.mean([np.hypot(t[..., 0], t[..., 1]) for t in thirds]))
    )
