"""Whether the network learns, what it is taught, and what of that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.dataset.detecting.boxes import Sides, box_of, said_of
from nitropilot.dataset.detecting.network import Answer, Network
from nitropilot.dataset.detecting.objective import loss, wanted
from nitropilot.dataset.detecting.scoring import Tried, figures, threshold_of, tried
from nitropilot.dataset.detecting.teaching import PAIRS, Blocks, HeldOut, lessons
from nitropilot.dataset.detecting.view import CHANNELS, HEIGHT, WIDTH, around, cues, view, whole
from nitropilot.dataset.pose import Box
from tests.dataset.detecting.crude import scene, scenes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from nitropilot.dataset.detecting.boxes import Said
    from nitropilot.dataset.styles.sample import Scene

SMALL = (8, 8, 16, 16, 16)


def sure(said: Said) -> Answer:
    """A batch of one that says just that."""
    near, inside = (torch.logit(torch.from_numpy(each), 1e-4)[None]
                    for each in (said.near, said.inside))  # fmt: skip
    return Answer(near, torch.from_numpy(said.sides)[None], inside)


def test_what_is_right_has_the_least_loss() -> None:
    """A loss that prefers another box teaches that one."""
    right = said_of(Sides(80.0, 60.0, 180.0, 120.0), HEIGHT, WIDTH)
    best = float(loss(sure(right), wanted([right])))
    for other in (Sides(84.0, 60.0, 180.0, 120.0), Sides(80.0, 60.0, 172.0, 114.0), None):
        assert float(loss(sure(said_of(other, HEIGHT, WIDTH)), wanted([right]))) > best + 0.01
    nothing = said_of(None, HEIGHT, WIDTH)
    assert float(loss(sure(nothing), wanted([nothing]))) < 0.01
    assert float(loss(sure(right), wanted([nothing]))) > 1


def test_lessons_have_the_box_where_the_picture_has_it() -> None:
    """Mirrored, moved, made larger: what is taught goes along, to a pixel or two."""
    rng = np.random.default_rng(3)
    dark = 0
    for number in range(12):
        shown = scene(rng, number)
        for seen, said in lessons(shown, rng):
            assert seen.shape == (CHANNELS, HEIGHT, WIDTH)
            box, score = box_of(said)
            if score == 0:
                continue
            still = np.all(np.abs(seen[:3].astype(int).T - (34, 36, 44)) <= 2, axis=2).T
            rows, columns = np.flatnonzero(still.any(axis=1)), np.flatnonzero(still.any(axis=0))
            found = Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            inside = box.whole().inside(WIDTH, HEIGHT)
            assert max(abs(a - b) for a, b in zip(found, inside, strict=True)) <= 6
            dark += 1
    assert dark >= 18


def test_a_block_is_decided_by_its_number() -> None:
    """So a run can go on, and others can make its blocks."""
    blocks = Blocks(scenes, 5, 2)
    one, same, other = blocks[4], blocks[4], blocks[5]
    assert one.cues.shape == (4 * PAIRS, CHANNELS, HEIGHT, WIDTH)
    assert np.array_equal(one.cues, same.cues)
    assert not np.array_equal(one.cues, other.cues)


def test_looks_are_learned_from_or_held_out() -> None:
    """What was learned from says nothing of looks that were never seen."""
    asked: list[Sequence[int]] = []

    def noted(seed: int, *, styles: Sequence[int]) -> Iterator[Scene]:
        asked.append(styles)
        return scenes(seed, styles=styles)

    Blocks(noted, 5, 1)[0]
    held = HeldOut(noted, 5, 3)[0]
    learned, unseen = asked
    assert {each % 2 for each in learned[:50]} == {1}
    assert {each % 2 for each in unseen[:50]} == {0}
    assert all(each.style in unseen for each in held)


def test_a_tiny_network_learns_some_scenes() -> None:
    """Cells, losses and boxes fit together: it finds each controller that it was shown, to 0.8,
    and where none is shown it is less sure than where one is."""
    rng = np.random.default_rng(7)
    shown = [scene(rng, number, shown=number % 4 > 0) for number in range(12)]
    views = []
    for each in shown:
        for window in (whole(160, 96), around(each.box or Box(60, 30, 100, 60))):
            seen = cues(view(each.pictures, window))
            box = each.box and Sides(*map(float, each.box)).moved(
                -window.left, -window.top, WIDTH / window.width
            )
            views.append((seen, said_of(box, HEIGHT, WIDTH)))
    network = _taught(views, steps=60)
    trials = tried(network, shown)
    assert [each.shown for each in trials] == [each.box is not None for each in shown]
    ious = [each.iou for each in trials if each.shown]
    assert min(ious) > 0.8
    lowest = min(each.score for each in trials if each.shown)
    assert lowest > max(each.score for each in trials if not each.shown)
    threshold = threshold_of(trials)
    assert figures(trials, threshold)["claimed"] == 0
    assert figures(trials, threshold)["opaque"]["iou_over_0.7"] == 9


def _taught(views: list[tuple[NDArray[np.uint8], Said]], steps: int) -> Network:
    """A tiny network that has seen these views, and nothing else."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = Network(SMALL, 8)
        optimiser = torch.optim.AdamW(network.parameters(), 1e-2)
        given = torch.from_numpy(np.stack([seen for seen, _ in views]))
        said = [each for _, each in views]
        for step in range(steps):
            which = torch.randperm(len(views))[:4].tolist()
            for group in optimiser.param_groups:
                group["lr"] = 1e-2 * min((step + 1) / 5, 1.0) * (1 - step / steps)
            optimiser.zero_grad()
            off = loss(network(given[which]), wanted([said[index] for index in which]))
            torch.autograd.backward(off)
            optimiser.step()
    return network.eval()


def _tried(shown: bool, score: float, iou: float = 0.0) -> Tried:
    return Tried(shown, True, score, iou)


def test_the_threshold_claims_nothing_where_nothing_is() -> None:
    """Half way between empty videos and controllers if they are apart, else just above those."""
    apart = [*(_tried(False, s) for s in (0.01, 0.1)), *(_tried(True, 0.99, 0.9) for _ in range(9))]
    assert 0.7 < threshold_of(apart) < 0.9
    mixed = [*apart, _tried(False, 0.995)]
    assert 0.995 < threshold_of(mixed) < 0.997
    assert figures(mixed, threshold_of(mixed)) == {
        "threshold": threshold_of(mixed), "without": 3, "claimed": 0, "highest_without": 0.995,
        "opaque": {"videos": 9, "claimed": 0, "iou_over_0.7": 0, "iou_over_0.9": 0,
                   "mean_iou": 0.0},
        "translucent": {"videos": 0, "claimed": 0, "iou_over_0.7": 0, "iou_over_0.9": 0,
                        "mean_iou": None},
    }  # fmt: skip
    assert threshold_of([_tried(False, 1e-5), _tried(True, 0.02, 0.9)]) == pytest.approx(0.3)
