"""From likelihoods of single frames to states that last.

Buttons are held for a while, so each part is a hidden Markov model whose states mostly stay
(forward-backward over the whole stretch, all parts side by side).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

STAY = 0.93
"""How probable it is that a state is the same a thirtieth of a second later."""
TEMPER = 6.0
"""Neighbouring pixels err together: so many count as one."""
MOST = 12.0
"""What one frame can say at most for one state against another."""
SURE = 0.6
"""Where a stick was found is believed from here on."""
BRIDGE_S = 0.25
"""For so long a stick that is not seen is somewhere between where it was and where it is then."""
RELEASED = 1.0
"""What speaks for the released state before anything is seen."""
FLICK = 14.0
"""What one frame can say at most for one place of a stick against another."""
STRAYS = 0.35
"""How far a stick moves in a thirtieth of a second, mostly, in shares of its way."""
HOLDS = 0.6
"""How probable it is that it does not."""
ANYWHERE = 0.03
"""How probable it is that it may be anywhere by then; every other time it is let go."""
RIM, BEYOND = 0.08, 3.0
"""What speaks against a stick further out than a circle by so much: only some pads do that."""
STAYS = 0.995
"""How probable it is that a controller is there, or is not, a thirtieth of a second later too."""
MIDDLE = 0.25
"""Of a controller's structure: so much says neither; over what is like it, less is seen of it."""
TELLS = 4.0
"""What a frame that shows all of it says for its being there, and one that shows none against."""
PLENTY = 100.0
"""So many squares of standard deviations of the noise in what is drawn are enough to tell."""


def posterior(likelihoods: list[Floats], rate: float) -> list[Floats]:
    """How probable each state is in each frame, seen all of them.

    Args:
        likelihoods: Of each part: ``T x h`` logarithms, the released state first.
        rate: Frames a second.

    Returns:
        Of each part: ``T x h``, in each row together 1.
    """
    if not likelihoods or not len(likelihoods[0]):
        return [np.zeros_like(each) for each in likelihoods]
    most = max(each.shape[1] for each in likelihoods)
    count = len(likelihoods[0])
    seen = np.zeros((count, len(likelihoods), most), np.float64)
    leave = np.zeros((len(likelihoods), 1))
    stay = STAY ** (30.0 / rate)
    for number, each in enumerate(likelihoods):
        states = each.shape[1]
        seen[:, number, :states] = _likelihood(each)
        leave[number] = (1 - stay) / max(states - 1, 1)
    there: NDArray[np.bool_] = np.asarray(seen.any(axis=0), bool)
    forward = _forward(seen, stay, leave, there)
    backward = _backward(seen, stay, leave, there)
    both = forward * backward
    both /= both.sum(axis=2, keepdims=True)
    return [
        both[:, number, : each.shape[1]].astype(np.float32)
        for number, each in enumerate(likelihoods)
    ]


def there(found: Floats, rate: float) -> Floats:
    """How probable it is that a controller is there, seen all frames.

    Args:
        found: ``T x 2``: how much of it is found in each frame, how much there is to be found.
        rate: Frames a second.
    """
    share = found[:, 0] / np.maximum(found[:, 1], 1e-6)
    said = np.clip(share.astype(np.float64) / MIDDLE - 1, -1, 1) * TELLS
    said *= np.minimum(found[:, 1] / PLENTY, 1)
    seen = np.exp(np.stack([np.minimum(said, 0), np.minimum(-said, 0)], axis=1))[:, None, :]
    stay = STAYS ** (30.0 / rate)
    both = np.ones((1, 2), bool)
    leave = np.array([[1 - stay]])
    forward, backward = _forward(seen, stay, leave, both), _backward(seen, stay, leave, both)
    either = (forward * backward)[:, 0]
    return np.asarray(either[:, 0] / either.sum(axis=1), np.float32)


def followed(likelihoods: Floats, places: Floats, rate: float) -> Floats:
    """How probable each place of a stick is in each frame, seen all of them.

    Args:
        likelihoods: ``T x h`` logarithms.
        places: ``h x 2``: where each is, in shares of the stick's way.
        rate: Frames a second.

    Returns:
        ``T x h``, in each row together 1.
    """
    said = (likelihoods - likelihoods.max(axis=1, keepdims=True)).astype(np.float64) / TEMPER
    outside = np.linalg.norm(places, axis=1) > 1 + RIM
    seen = np.exp(np.maximum(said, -FLICK) - BEYOND * outside)
    apart = np.square(places[:, None] - places[None]).sum(axis=2)
    moves = np.exp(-apart / (2 * STRAYS**2 * 30.0 / rate))
    far = ANYWHERE * 30.0 / rate
    middle = (apart == 0) & ~places.any(axis=1)
    moves = HOLDS * np.eye(len(places)) + (1 - HOLDS) * moves / moves.sum(axis=1, keepdims=True)
    moves = (1 - far) * moves + far / 2 * (middle.any(axis=0) + 1 / len(places))
    forward, now = np.empty_like(seen), np.full(len(places), 1 / len(places))
    for frame, each in enumerate(seen):
        now = (now @ moves) * each
        forward[frame] = now = now / now.sum()
    later = np.ones(len(places))
    for frame in range(len(seen) - 1, -1, -1):
        forward[frame] *= later
        later = moves @ (later * seen[frame])
        later /= later.sum()
    return np.asarray(forward / forward.sum(axis=1, keepdims=True), np.float32)


def _likelihood(logarithms: Floats) -> NDArray[np.float64]:
    said = logarithms.astype(np.float64) / TEMPER
    said[:, 0] += RELEASED
    said -= said.max(axis=1, keepdims=True)
    return np.asarray(np.exp(np.maximum(said, -MOST)))


def _forward(
    seen: NDArray[np.float64], stay: float, leave: NDArray[np.float64], there: NDArray[np.bool_]
) -> NDArray[np.float64]:
    found = np.empty_like(seen)
    now = there / there.sum(axis=1, keepdims=True)
    for frame, each in enumerate(seen):
        now = (leave + (stay - leave) * now) * each
        now /= now.sum(axis=1, keepdims=True)
        found[frame] = now
    return found


def _backward(
    seen: NDArray[np.float64], stay: float, leave: NDArray[np.float64], there: NDArray[np.bool_]
) -> NDArray[np.float64]:
    found = np.empty_like(seen)
    later = there.astype(np.float64)
    for frame in range(len(seen) - 1, -1, -1):
        found[frame] = later
        weighed = seen[frame] * later
        later = (leave * weighed.sum(axis=1, keepdims=True) + (stay - leave) * weighed) * there
        later /= later.sum(axis=1, keepdims=True)
    return found


def peak(before: Floats, at: Floats, after: Floats) -> Floats:
    """Where a parabola through three neighbours has its top: -0.5 to 0.5 of a step away."""
    bend = before - 2 * at + after
    safe = np.where(bend < 0, bend, -1.0)
    return np.asarray(np.clip(0.5 * (before - after) / safe, -0.5, 0.5), np.float32)


def bridged(at: Floats, sure: Floats, times: NDArray[np.float64]) -> Floats:
    """Positions of a stick, where it is not sure from before and after, as long as that is short.

    Args:
        at: ``T x 2``.
        sure: ``T``: how probable it is that each is right.
        times: ``T``: seconds.
    """
    known = np.flatnonzero(sure >= SURE)
    doubtful = np.flatnonzero(sure < SURE)
    after = np.searchsorted(known, doubtful)
    inner = (after > 0) & (after < len(known))
    doubtful, after = doubtful[inner], after[inner]
    begins, ends = known[after - 1], known[after]
    short = times[ends] - times[begins] <= BRIDGE_S
    doubtful, begins, ends = doubtful[short], begins[short], ends[short]
    share = (times[doubtful] - times[begins]) / (times[ends] - times[begins])
    filled = at.copy()
    filled[doubtful] = at[begins] + share[:, None].astype(np.float32) * (at[ends] - at[begins])
    return filled
