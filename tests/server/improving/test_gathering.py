"""What is learned from: one game, takeovers counted, and what nobody corrected left out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nitropilot.server.errors import ImproveRefused
from nitropilot.server.improving.gathering import gather, require_rate
from nitropilot.server.improving.history import HistoryStore
from nitropilot.server.improving.known import Candidate, Tally
from nitropilot.server.improving.status import (
    Played,
    played_with,
    proposal,
    recordings_in,
    status,
    update,
)
from tests.training.making import HZ, name_of, recording

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "0" * 64, "1" * 64


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two takeovers, none, a person alone, and another game."""
    root = tmp_path_factory.mktemp("data")
    twice = ["agent"] * 10 + ["human"] * 5 + ["agent"] * 10 + ["human"] * 5
    recording(root, 0, 30, sources=twice, policy=OLD)
    recording(root, 1, 30, sources=["agent"] * 30, policy=NEW)
    recording(root, 2, 30)
    recording(root, 3, 30, game="circles")
    return root


def test_only_one_game_is_learned(data: Path) -> None:
    """Each game has a policy of its own."""
    with pytest.raises(ImproveRefused, match="of 2 games: circles, squares"):
        gather([data], None, False)
    found = gather([data], "squares", False)
    assert [each.id for each in found.recordings] == [name_of(number) for number in range(3)]
    assert [each.takeovers for each in found.recordings] == [2, 0, 0]
    first = found.recordings[0]
    assert first.agent_minutes == 20 / HZ / 60
    assert first.human_minutes == 10 / HZ / 60
    assert gather([data], "circles", False).game == "circles"
    with pytest.raises(ImproveRefused, match="no recording of chess that can be read"):
        gather([data], "chess", False)


def test_corrections_alone(data: Path) -> None:
    """What nobody corrected says nothing of what was wrong."""
    found = gather([data], "squares", True)
    assert [each.id for each in found.recordings] == [name_of(0)]
    with pytest.raises(ImproveRefused, match="of circles in which you took over"):
        gather([data], "circles", True)


def test_recordings_of_another_rate_are_refused_at_once(data: Path) -> None:
    """Not after everything has been measured; and what to say instead is said."""
    rates = [each.hz for each in gather([data], "squares", False).recordings]
    assert rates == [HZ] * 3
    for acts, resampled in ((HZ, None), (None, None), (None, 15.0), (60.0, 60.0)):
        require_rate(rates, acts, resampled)
    said = f"of {HZ:g} rows a second, and the policy acts 61 times"
    with pytest.raises(ImproveRefused, match=said) as caught:
        require_rate(rates, 61.0, None)
    assert caught.value.hint == "have them resampled with --hz 61"
    with pytest.raises(ImproveRefused, match="the recordings have 2 rates: 30, 60"):
        require_rate([60.0, 30.0], None, None)
    with pytest.raises(ImproveRefused, match="--hz is 30, and the policy acts 61 times"):
        require_rate(rates, 61.0, 30.0)


def test_takeovers_are_counted_by_policy(data: Path, tmp_path: Path) -> None:
    """What nobody's policy played is none's; a recording that is deleted goes on counting."""
    store = HistoryStore(tmp_path / "improved.json")
    history = update(store, recordings_in(data))
    minute = 60 * HZ
    assert played_with(history, "squares") == {
        OLD: Played(20 / minute, 2), NEW: Played(30 / minute, 0),
    }  # fmt: skip
    assert update(store, []) == history
    assert update(store, recordings_in(data)) == history
    assert recordings_in(tmp_path / "gone") == recordings_in(tmp_path) == []
    assert status(history) == []


def made(verdict: str) -> Candidate:
    """What was made of OLD."""
    return Candidate.model_validate(
        {
            "policy": "new", "fingerprint": NEW, "came_from": "old", "before": OLD, "made": "now",
            "verdict": verdict, "found": "of 90 levels",
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (Played(20.0, 40), Played(100.0, 50), "accept the new one: 0.50 takeovers a minute"),
        (Played(20.0, 10), Played(40.0, 40), "keep the old one: 1.00 takeovers a minute"),
        (Played(10.0, 10), Played(5.0, 5), "either: "),
        (Played(3.0, 9), Played(20.0, 1), "play 2.0 min more with the old one, recorded"),
        (None, None, "5.0 min more with the old one and 5.0 min more with the new one"),
    ],
)
def test_the_one_that_needs_you_less_often_is_proposed(
    tmp_path: Path, old: Played | None, new: Played | None, said: str
) -> None:
    """By the minute, as the two are not played as long; and not after a moment."""
    known = HistoryStore(tmp_path / "improved.json").offer("squares", made("offered"))
    pairs = ((OLD, old), (NEW, new))
    played = {mark: went for mark, went in pairs if went is not None}
    assert said in proposal(known.game("squares"), played)


def test_what_was_measured_is_proposed(tmp_path: Path) -> None:
    """Where tasks have shown it, nobody need play for it; without an offer nothing is said."""
    store = HistoryStore(tmp_path / "improved.json")
    known = store.offer("squares", made("better")).game("squares")
    assert proposal(known, {}) == "accept it: of 90 levels"
    assert proposal(store.offer("other", made("worse")).game("other"), {}) == ""


def test_without_scipy_what_was_counted_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that shows recordings must not fail for want of an interval."""
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    store = HistoryStore(tmp_path / "improved.json")
    store.offer("squares", made("offered"))
    for name, mark, takeovers in (("one", OLD, 40), ("two", NEW, 10)):
        tally = Tally(game="squares", fingerprint=mark, minutes=20.0, takeovers=takeovers)
        store.tally({name: tally})
    (known,) = status(store.read())
    assert [(each["low"], each["takeovers"]) for each in known["played"]] == [
        (None, 40),
        (None, 10),
    ]
    assert known["proposal"].startswith("accept the new one: 0.50 takeovers a minute")
