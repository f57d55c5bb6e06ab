"""Which policy plays which game: offered, accepted, one step back, and never half written."""

from __future__ import annotations

from pathlib import Path

import pytest

from nitropilot.policy import fingerprint
from nitropilot.policy.naming import POCKET
from nitropilot.server.errors import HistoryDamaged, ImproveRefused
from nitropilot.server.improving import improving
from nitropilot.server.improving.history import HistoryStore, accepted, the_game
from nitropilot.server.improving.improving import _alone, _candidate, _new_file, _trained
from nitropilot.server.improving.known import MOST_KEPT, Candidate, Tally
from nitropilot.server.improving.status import Played, proposal, status
from nitropilot.training.errors import LossNotFinite
from nitropilot.training.trainer.config import TrainConfig


def candidate(policy: Path, came_from: Path, verdict: str = "offered") -> Candidate:
    """One that was made."""
    return Candidate.model_validate(
        {
            "policy": str(policy), "fingerprint": policy.name, "came_from": str(came_from),
            "before": came_from.name, "made": "2026-11-30T00:00:00+00:00", "verdict": verdict,
            "found": "so it was",
        }
    )  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> HistoryStore:
    """One without a file, and three policies beside it."""
    for name in ("first", "second", "third"):
        (tmp_path / name).write_bytes(b"weights")
    return HistoryStore(tmp_path / "improved.json")


def test_nothing_plays_before_it_is_accepted_and_back_is_there(store: HistoryStore) -> None:
    """A policy that plays worse than it should is undone with one word."""
    first, second, third = (store.path.with_name(name) for name in ("first", "second", "third"))
    known = store.offer("maze", candidate(second, first)).game("maze")
    assert (known.used, known.previous, known.offered) == (None, None, str(second))
    known = store.accept("maze").game("maze")
    assert (known.used, known.previous, known.offered) == (str(second), str(first), None)
    store.offer("maze", candidate(third, second))
    store.accept("maze")
    known = HistoryStore(store.path).back("maze").game("maze")
    assert (known.used, known.previous, known.offered) == (str(second), None, str(third))
    with pytest.raises(ImproveRefused, match="nothing to go back to for maze"):
        store.back("maze")
    assert store.accept("maze").game("maze").used == str(third)
    assert store.read().game("other").used is None


def test_what_was_accepted_plays_its_game_alone(store: HistoryStore) -> None:
    """Of a game that nobody named, and of another one, nothing is known."""
    first, second = store.path.with_name("first"), store.path.with_name("second")
    store.offer("maze", candidate(second, first))
    assert accepted("maze", store) is None
    store.accept("maze")
    assert accepted("maze", store) == str(second)
    assert accepted("road", store) is None
    assert accepted(None, store) is None
    second.unlink()
    with pytest.raises(ImproveRefused, match="second is not there any more"):
        accepted("maze", store)


def test_from_the_policy_that_comes_along_and_back_to_it(
    store: HistoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named by its name, wherever the command was given, and not by a file there."""
    monkeypatch.chdir(store.path.parent)
    second = store.path.with_name("second")
    made = _candidate(POCKET, second, "mark", None, "so it was")
    assert (made.came_from, made.before) == (POCKET, fingerprint(POCKET))
    store.offer("maze", made)
    store.accept("maze")
    known = store.back("maze").game("maze")
    assert (known.used, known.offered) == (POCKET, str(second))


def test_an_offer_waits_until_it_is_accepted(store: HistoryStore) -> None:
    """A later improvement must not take away what nobody has looked at yet."""
    first, second, third = (store.path.with_name(name) for name in ("first", "second", "third"))
    store.offer("maze", candidate(second, first))
    store.offer("maze", candidate(third, first))
    (told,) = status(store.read())
    assert (told["offered"], [each["id"] for each in told["offers"]]) == (
        str(third), ["third", "second"],
    )  # fmt: skip
    with pytest.raises(ImproveRefused, match="no offer for maze is called 'fourth'") as caught:
        store.accept("maze", "fourth")
    assert caught.value.hint == "offers are third, second"
    known = store.accept("maze", "second").game("maze")
    assert (known.used, known.previous, known.offers) == (str(second), str(first), (str(third),))
    known = store.back("maze").game("maze")
    assert (known.used, known.offers) == (str(first), (str(third), str(second)))


def test_an_offer_is_not_forgotten(store: HistoryStore) -> None:
    """Of what lies behind the last fifty only what waits is kept."""
    first, second = store.path.with_name("first"), store.path.with_name("second")
    store.offer("maze", candidate(second, first))
    for number in range(MOST_KEPT + 2):
        store.offer("maze", candidate(first.with_name(str(number)), first, "worse"))
    known = store.read().game("maze")
    assert len(known.candidates) == MOST_KEPT + 1
    assert known.offered == str(second)
    assert [each.policy for each in known.waiting()] == [str(second)]


def test_a_file_that_knew_one_offer(store: HistoryStore) -> None:
    """What was offered before an update is offered after it."""
    store.path.write_text('{"games": {"maze": {"offered": "mine"}, "road": {"offered": null}}}')
    assert store.read().game("maze").offers == ("mine",)
    assert store.read().game("road").offers == ()


def test_two_that_write_one_file(tmp_path: Path) -> None:
    """The slower one would write over what the quicker one has made, after all its training."""
    out = tmp_path / "new.safetensors"
    with (
        _alone(tmp_path / "scratch", out),
        pytest.raises(ImproveRefused, match=r"another improvement is writing .*new\.safetensors"),
        _alone(tmp_path / "scratch", out),
    ):
        pytest.fail("both write it")
    assert not (tmp_path / "scratch").exists()
    with _alone(tmp_path / "scratch", out):
        pass
    out.write_bytes(b"weights")
    with pytest.raises(ImproveRefused, match="is there already"), _alone(tmp_path, out):
        pytest.fail("it is written over")


def test_two_that_begin_in_one_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process gives its file a name of its own."""
    mine = _new_file(tmp_path, "maze").name
    monkeypatch.setattr("os.getpid", lambda: 4194305)
    assert mine.rpartition("-")[2] != _new_file(tmp_path, "maze").name.rpartition("-")[2]


def test_a_failed_training_names_no_file_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's folder goes with the run: a hint to look there leads nowhere."""
    folder = tmp_path / "run"

    def fails(*_: object) -> None:
        raise LossNotFinite(f"the loss in {folder} is nan", f"{folder / 'state.pt'} holds step 4")

    monkeypatch.setattr(improving, "train", fails)
    with pytest.raises(LossNotFinite, match="the loss in the run's folder is nan") as caught:
        _trained(TrainConfig.model_construct(), folder, lambda _: None)
    assert str(folder) not in caught.value.line()
    assert "begin it again" in caught.value.hint


def test_a_proposal_names_both_policies_of_before(store: HistoryStore) -> None:
    """Another one may have been accepted since: it was not compared, and that is said."""
    first, second, third = (store.path.with_name(name) for name in ("first", "second", "third"))
    store.offer("maze", candidate(second, first))
    store.offer("maze", candidate(third, first))
    played = {name: Played(20.0, count) for name, count in (("first", 8), ("third", 2))}
    store.accept("maze", "second")
    said = proposal(store.read().game("maze"), {**played, "second": Played(10.0, 5)})
    assert "accept the new one: 0.10 takeovers a minute with the new one, 0.40 with the" in said
    assert f"the old one is {first}, which it was made of, and not {second}, which plays" in said
    assert "now, 0.50 takeovers a minute in 10.0 min" in said
    store.offer("road", candidate(third, first))
    assert "which plays now" not in proposal(store.read().game("road"), played)


def test_what_is_worse_is_not_offered(store: HistoryStore) -> None:
    """It is remembered; nobody is led to play with it."""
    first, second = store.path.with_name("first"), store.path.with_name("second")
    known = store.offer("maze", candidate(second, first, "worse")).game("maze")
    assert (known.offered, len(known.candidates)) == (None, 1)
    with pytest.raises(ImproveRefused, match="nothing is offered for maze"):
        store.accept("maze")


def test_a_policy_whose_file_is_gone_is_not_taken(store: HistoryStore) -> None:
    """The next play would fail; what plays now goes on playing."""
    first, second = store.path.with_name("first"), store.path.with_name("second")
    store.offer("maze", candidate(second, first))
    store.accept("maze")
    first.unlink()
    with pytest.raises(ImproveRefused, match="first is not there any more"):
        store.back("maze")
    assert store.read().game("maze").used == str(second)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "cannot be used: all of it"),
        ('{"format": 2}', "cannot be used: format"),
        ('{"games": {"maze": {"used": 5}}}', "games.maze.used"),
        ('{"tallies": {"a": {"game": "b", "fingerprint": "c", "minutes": -1, "takeovers": 0}}}',
         "tallies.a.minutes"),
    ],
    ids=["cut", "format", "type", "number"],
)  # fmt: skip
def test_a_damaged_file_is_named_and_left_alone(store: HistoryStore, text: str, line: str) -> None:
    """What cannot be read must not be written over."""
    store.path.write_text(text)
    for act in (store.read, lambda: store.accept("maze"), lambda: store.back("maze")):
        with pytest.raises(HistoryDamaged, match=line) as caught:
            act()
        assert str(store.path) in caught.value.line()
    assert store.path.read_text() == text


def test_a_disk_that_takes_nothing(store: HistoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that was there counts on."""
    first, second = store.path.with_name("first"), store.path.with_name("second")
    store.offer("maze", candidate(second, first))
    before = store.path.read_text()

    def full(_path: Path, _text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nitropilot.server.improving.history.write_private", full)
    with pytest.raises(HistoryDamaged, match="No space left on device"):
        store.accept("maze")
    assert store.path.read_text() == before


def test_each_recording_counts_once(store: HistoryStore) -> None:
    """A second look must not double the takeovers."""
    tally = Tally(game="maze", fingerprint="f", minutes=2.0, takeovers=3)
    store.tally({"one": tally})
    written = store.path.stat().st_mtime_ns
    assert store.tally({"one": tally}).tallies == {"one": tally}
    assert store.path.stat().st_mtime_ns == written


def test_which_game_is_meant(store: HistoryStore) -> None:
    """Where there is one it need not be named; of two, none is guessed."""
    first, second = store.path.with_name("first"), store.path.with_name("second")
    with pytest.raises(ImproveRefused, match="not said which game"):
        the_game(store.read(), None)
    history = store.offer("maze", candidate(second, first))
    assert (the_game(history, None), the_game(history, "road")) == ("maze", "road")
    with pytest.raises(ImproveRefused, match="not said which game"):
        the_game(store.offer("road", candidate(second, first)), None)
