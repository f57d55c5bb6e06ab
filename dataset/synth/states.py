"""What a person's hands do on a pad, made up: press, hold, push, pull, and nothing at all.

Buttons come and go on their own and now and then together; the d-pad is one thumb; each stick and
each trigger is one movement after the other.  Some seconds nobody touches anything.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.dataset.pad import BUTTONS, PadStates

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

SHARES = {
    "south": 0.25, "east": 0.15, "west": 0.2, "north": 0.12, "left_shoulder": 0.13,
    "right_shoulder": 0.16, "right_thumb": 0.03, "start": 0.018, "back": 0.014, "guide": 0.008,
}  # fmt: skip
"""Which part of play a button is down; the left stick's and the d-pad's follow from thumbs."""
RARE = ("start", "back", "guide")
ALL_AFTER = 10.0
"""From so many seconds on every button is pressed at least once."""
TAP, HOLD, LONG = (1, 4), (0.35, 0.6), (0.8, 2.5)
"""Frames of a tap; median seconds of a hold and the spread of its logarithm; of a long hold."""
TOGETHER = 0.15
"""How often a second some buttons go down at once."""
DPAD = ("dpad_up", "dpad_right", "dpad_down", "dpad_left")
"""Clockwise."""


def states(rng: Generator, seconds: float, rate: float = 30.0) -> PadStates:
    """A pad's states, one a frame.

    Args:
        rng: Decides all.
        seconds: How long.
        rate: Frames a second.
    """
    count = max(1, round(seconds * rate))
    playing = _playing(rng, count, rate)
    on = playing > 0.5
    sticks = [_stick(rng, count, rate, aims) * playing[:, None] for aims in (False, True)]
    triggers = [_trigger(rng, count, rate) * playing for _ in range(2)]
    down = {name: _presses(rng, count, rate, share, name in RARE) for name, share in SHARES.items()}
    down["left_thumb"] = _sprints(rng, sticks[0], rate)
    down |= _dpad(rng, count, rate)
    _together(rng, down, count, rate)
    down = {name: pressed & on for name, pressed in down.items()}
    if seconds >= ALL_AFTER:
        _every(rng, down, on, rate)
    rest = _resting(rng)
    moved = np.clip(np.concatenate(sticks, axis=1) + rest, -1, 1)
    return PadStates(
        np.stack([down[name] for name in BUTTONS], axis=1),
        moved.astype(np.float32),
        np.stack(triggers, axis=1).astype(np.float32),
    )


def _resting(rng: Generator) -> Floats:
    """Where sticks lie that nobody touches: most in the middle, some worn ones beside it."""
    worn = rng.random(2) < 0.25
    away = rng.normal(0, 0.02, 4).clip(-0.05, 0.05)
    return np.where(np.repeat(worn, 2), away, 0.0)


def _playing(rng: Generator, count: int, rate: float) -> Floats:
    """1 in play, 0 where nobody touches the pad, with a few frames of letting go between."""
    playing = np.ones(count)
    at = rng.exponential(22.0)
    while at * rate < count:
        length = rng.uniform(1.5, 6.0)
        playing[int(at * rate) : int((at + length) * rate)] = 0
        at += length + 4 + rng.exponential(22.0)
    edge = max(1, round(0.08 * rate))
    padded = np.pad(playing, edge, mode="edge")
    return np.convolve(padded, np.ones(edge) / edge, "same")[edge:-edge]


def _length(rng: Generator, rate: float, short: bool) -> int:
    """Frames of a press: a tap, a hold or a long hold."""
    kind = rng.random()
    if kind < 0.5 or (short and kind < 0.6):
        return int(rng.integers(TAP[0], TAP[1] + 1))
    if kind < 0.89 or short:
        return max(1, round(rng.lognormal(math.log(HOLD[0]), HOLD[1]) * rate))
    return round(rng.uniform(*LONG) * rate)


def _presses(rng: Generator, count: int, rate: float, share: float, short: bool) -> Bools:
    """One button: presses, some of them double, with gaps that give it its share."""
    down = np.zeros(count, bool)
    held = HOLD[0] * math.exp(HOLD[1] ** 2 / 2) * rate
    usual = 0.6 * 2.5 + 0.4 * held if short else 0.5 * 2.5 + 0.39 * held + 0.11 * 1.65 * rate
    gap = usual * (1 - share) / share
    at = round(rng.exponential(gap))
    while at < count:
        length = _length(rng, rate, short)
        down[at : at + length] = True
        if length <= TAP[1] and rng.random() < 0.3:
            again = at + length + int(rng.integers(2, 6))
            down[again : again + length] = True
            length = again + length - at
        at += length + 1 + round(rng.exponential(gap))
    return down


def _together(rng: Generator, down: dict[str, Bools], count: int, rate: float) -> None:
    """Some buttons at once, not all to the frame."""
    usual = [name for name in SHARES if name not in RARE]
    for at in rng.integers(0, count, rng.poisson(TOGETHER * count / rate)).tolist():
        length = _length(rng, rate, True)
        for name in rng.choice(usual, int(rng.integers(2, 4)), replace=False).tolist():
            late = int(rng.integers(0, 2))
            down[name][at + late : at + late + length] = True


def _every(rng: Generator, down: dict[str, Bools], on: Bools, rate: float) -> None:
    """Press once what has not been pressed, while somebody plays."""
    for name in BUTTONS:
        free = on
        if name in DPAD:  # never both of two that a thumb cannot press at once
            free = on & ~down[DPAD[(DPAD.index(name) + 2) % 4]]
        frames = np.flatnonzero(free)
        if len(frames) and not down[name].any():
            at = int(rng.choice(frames))
            down[name][at : at + _length(rng, rate, True)] = True
            down[name] &= free


def _dpad(rng: Generator, count: int, rate: float) -> dict[str, Bools]:
    """One thumb: a direction, two side by side, or rolling from one to the next."""
    down = {name: np.zeros(count, bool) for name in DPAD}
    at = round(rng.exponential(0.8) * rate)
    while at < count:
        way, turn = int(rng.integers(4)), int(rng.choice([-1, 1]))
        length = _length(rng, rate, False)
        kind = rng.random()
        first, second = DPAD[way], DPAD[(way + turn) % 4]
        down[first][at : at + length] = True
        if kind < 0.15:
            late = int(rng.integers(0, 3))
            down[second][at + late : at + length] = True
        elif kind < 0.35:
            common = min(length, int(rng.integers(1, 5)))
            more = _length(rng, rate, False)
            down[second][at + length - common : at + length + more] = True
            length += more
        at += length + 1 + round(rng.exponential(1.0) * rate)
    return down


def _sprints(rng: Generator, stick: Floats, rate: float) -> Bools:
    """The left stick is pressed mostly while it is pushed far."""
    down = np.zeros(len(stick), bool)
    far = np.flatnonzero(np.hypot(stick[:, 0], stick[:, 1]) > 0.85)
    for _ in range(rng.poisson(len(stick) / rate * 0.14)):
        pushed = len(far) > 0 and rng.random() < 0.75
        at = int(rng.choice(far)) if pushed else int(rng.integers(len(stick)))
        down[at : at + _length(rng, rate, False)] = True
    return down


def _stick(rng: Generator, count: int, rate: float, aims: bool) -> Floats:
    """One stick, ``T x 2``: movements with rests between them."""
    at, path, here = 0, np.zeros((count, 2)), np.zeros(2)
    kinds = ("rest", "push", "flick", "circle", "slow", "small")
    weights = (0.3, 0.14, 0.16, 0.06, 0.1, 0.24) if aims else (0.22, 0.42, 0.08, 0.06, 0.12, 0.1)
    while at < count:
        moves = _move(rng, str(rng.choice(kinds, p=weights)), rate, here)
        part = moves[: count - at]
        path[at : at + len(part)] = part
        at, here = at + len(part), part[-1]
    return path / np.maximum(np.hypot(path[:, 0], path[:, 1]), 1)[:, None]


def _move(rng: Generator, kind: str, rate: float, here: Floats) -> Floats:
    """One movement from where the stick is, ``n x 2``."""
    angle = rng.uniform(0, 2 * math.pi)
    if rng.random() < 0.35:
        angle = math.pi / 2 * rng.integers(4) + rng.normal(0, 0.06)
    ahead = np.array([math.cos(angle), math.sin(angle)])
    quick = int(rng.integers(2, 6)) * rate / 60
    if kind == "rest":
        return _ways(here, [(np.zeros(2), quick), (np.zeros(2), rng.uniform(0.2, 1.6) * rate)])
    if kind == "push":
        length = rng.uniform(0.3, 2.2) * rate
        moves = _ways(here, [(ahead * min(rng.uniform(0.6, 1.25), 1), quick), (None, length)])
        return moves + _wander(rng, len(moves), 0.02)
    if kind == "flick":
        far = ahead * rng.uniform(0.7, 1.0)
        stay = rng.uniform(1, 4) * rate / 60
        return _ways(here, [(far, quick), (None, stay), (np.zeros(2), quick)])
    if kind == "circle":
        turns, period = rng.uniform(0.5, 2.5), rng.uniform(0.4, 1.6)
        steps = np.arange(1, max(2, round(turns * period * rate)))
        angles = angle + rng.choice([-1, 1]) * 2 * math.pi * steps / (period * rate)
        round_ = np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(0.75, 1.0)
        return np.concatenate([_ways(here, [(round_[0], quick)]), round_])
    if kind == "slow":
        far, length = ahead * rng.uniform(0.4, 1.0), rng.uniform(0.5, 2.0) * rate
        return _ways(here, [(far, length), (None, rng.uniform(0, 0.5) * rate), (0 * far, quick)])
    moves = _ways(
        here, [(ahead * rng.uniform(0.05, 0.35), quick), (None, rng.uniform(0.2, 1) * rate)]
    )
    return moves + _wander(rng, len(moves), 0.03)


def _ways(here: Floats, ways: list[tuple[Floats | None, float]]) -> Floats:
    """Smoothly from point to point, each in so many frames; None stays."""
    parts = []
    for goal, frames in ways:
        there = here if goal is None else goal
        share = np.linspace(0, 1, max(1, round(frames)) + 1)[1:, None]
        parts.append(here + (there - here) * share * share * (3 - 2 * share))
        here = there
    return np.concatenate(parts)


def _wander(rng: Generator, count: int, step: float) -> Floats:
    """A hand is never quite still; begins and stays near nothing."""
    walk = np.cumsum(rng.normal(0, step, (count, 2)), axis=0)
    return np.asarray(walk - walk * np.linspace(0, 1, count)[:, None], np.float64)


def _trigger(rng: Generator, count: int, rate: float) -> Floats:
    """One trigger: pulled all the way, or by feel, or not."""
    at, path = round(rng.exponential(2.0) * rate), np.zeros(count)
    none = np.zeros(1)
    while at < count:
        quick = int(rng.integers(2, 6)) * rate / 60
        full = np.ones(1)
        kind = rng.random()
        if kind < 0.55:
            held = _length(rng, rate, False)
            moves = _ways(none, [(full, quick), (None, held), (none, quick)])
        elif kind < 0.85:
            part = full * rng.uniform(0.3, 1.0)
            rise, stay = rng.uniform(0.2, 1.2) * rate, rng.uniform(0, 0.8) * rate
            moves = _ways(none, [(part, rise), (None, stay), (none, rng.uniform(0.1, 0.6) * rate)])
        else:
            marks = [(full * rng.uniform(0.2, 0.9), rng.uniform(0.1, 0.5) * rate) for _ in range(4)]
            moves = _ways(none, [*marks, (none, quick)])
        moves = moves[: count - at, 0]
        path[at : at + len(moves)] = moves
        at += len(moves) + 1 + round(rng.exponential(3.2) * rate)
    return path
