"""Labels that are moved on purpose are found where they were moved to; noise is no finding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.records.format import PUBLISHED_BUTTONS, STICKS
from nitropilot.simulator.demonstrations.recording import demonstrate
from nitropilot.training.checks.motion import motion_of
from nitropilot.training.checks.shift import OFFSETS, score_shift
from nitropilot.training.formats.own import read_own

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.training.formats.take import Take

    Seen = list[tuple[Take, NDArray[np.float32], NDArray[np.bool_]]]

GAMES = {"runner-1": (0.5, 3, 0), "road": (1.5, 7, 0), "pulse": (1.1, 7, -1)}
"""What is played, for how many minutes from which seed, and the offset that is right: pulse shows a
press one tick late."""
ONE = pytest.mark.parametrize("played", ["runner-1"], indirect=True)


@pytest.fixture(scope="module", params=GAMES)
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Seen, int]:
    """A game's script with the motion in it, and the offset that is right."""
    root = tmp_path_factory.mktemp(request.param)
    minutes, seed, right = GAMES[request.param]
    made = demonstrate(request.param, minutes, root, seed=seed, noisy=0.5)
    takes = [read_own(folder) for folder in made.folders]
    return [(take, *motion_of(take)) for take in takes], right


def moved(take: Take, ticks: int) -> Take:
    """The same pictures with labels that come so many ticks later."""
    rows = take.rows
    places = np.clip(np.arange(rows.num_rows) - ticks, 0, rows.num_rows - 1)
    for name in (*PUBLISHED_BUTTONS, *STICKS):
        place = rows.schema.get_field_index(name)
        rows = rows.set_column(place, rows.schema.field(place), rows[name].take(places))
    return replace(take, rows=rows)


@pytest.mark.parametrize("ticks", [0, -5, 3, 12])
def test_labels_that_were_moved_are_found(played: tuple[Seen, int], ticks: int) -> None:
    """A policy that is trained on labels of another time is late, or guesses ahead."""
    seen, right = played
    found = score_shift([(moved(take, ticks), features, known) for take, features, known in seen])
    assert found.why_not == ""
    assert found.best == right + ticks
    assert found.sure >= 0.9
    assert found.scores.keys() == set(OFFSETS)
    assert max(found.scores.values()) == found.scores[found.best]


@ONE
def test_the_same_data_gives_the_same_answer(played: tuple[Seen, int]) -> None:
    """A measurement that differs from run to run settles nothing."""
    assert score_shift(played[0]) == score_shift(played[0])


@ONE
def test_labels_of_another_play_tell_nothing(played: tuple[Seen, int]) -> None:
    """Any offset has a best score; that of noise must not be taken for a finding."""
    seen, _ = played
    rng = np.random.default_rng(5)
    mixed = []
    for take, features, known in seen:
        order = np.repeat(rng.permutation(len(known) // 10 + 1) * 10, 10)[: len(known)]
        mixed.append((take, features[np.minimum(order, len(known) - 1)], known))
    found = score_shift(mixed)
    assert found.why_not != ""


@ONE
def test_too_few_presses_tell_nothing(played: tuple[Seen, int]) -> None:
    """Where nobody presses anything there is nothing to go by."""
    take, features, known = played[0][0]
    short = take.rows.slice(0, 60)
    found = score_shift([(replace(take, rows=short), features[:60], known[:60])])
    assert "times" in found.why_not
    assert score_shift([]).ticks == 0
