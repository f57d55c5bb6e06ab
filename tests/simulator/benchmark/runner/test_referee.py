"""Whose fault a failure is: policies and games that crash, hang and talk rubbish, for real."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from nitropilot.simulator.benchmark.policies.errors import CRASHED, LATE, RUBBISH, EntryError
from nitropilot.simulator.benchmark.policies.naming import parse_entry
from nitropilot.simulator.benchmark.policies.opening import Means
from nitropilot.simulator.benchmark.runner.episode import Job
from nitropilot.simulator.benchmark.runner.referee import EPISODE, Patience, Referee
from tests.simulator.benchmark import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(str(entries.__file__))
pytestmark = pytest.mark.long

SEED = 3


@pytest.fixture
def referee() -> Iterator[Referee]:
    """One that waits as long as it takes."""
    found = Referee(Means(), Patience())
    yield found
    found.close()
    no_process_is_left()


def no_process_is_left() -> None:
    """Neither an episode nor a policy; other tests' displays are none of ours."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            assert not any("simulator.benchmark" in word for word in child.cmdline())


def play(referee: Referee, text: str, task: str = "runner-1") -> tuple[dict[str, Any], Any]:
    """An episode of the arcade."""
    entry = parse_entry(text)
    card = referee.enter(entry)
    return referee.play(Job("arcade", task, SEED, "paused", card.plain()), entry)


def entered(name: str) -> str:
    """A policy of tests/simulator/benchmark/entries.py."""
    return f"{FILE}:{name}"


@pytest.mark.parametrize(
    ("name", "how", "said"),
    [
        ("raises", CRASHED, "ValueError: I do not know what to do (entries.py, line "),
        ("leaves", CRASHED, "its process ended with status 3"),
        ("breaks", CRASHED, "its process was ended by SIGSEGV"),
        ("nan", RUBBISH, "number 5 of action 3 of the answer is nan"),
        ("narrow", RUBBISH, "the answer has the shape (16, 12)"),
        ("says", RUBBISH, "the answer is a str, 'right'"),
    ],
)
def test_a_policys_failure_is_its_own(referee: Referee, name: str, how: str, said: str) -> None:
    """Whoever fails has lost, the record says why, and the suite goes on with the next one."""
    done, trace = play(referee, entered(name))
    assert done["end"] == how
    assert said in done["error"]
    assert done["steps"] == len(trace) == 64
    assert np.array_equal(trace[:, 16], np.ones(64))
    assert play(referee, entered("right"))[0]["end"] == "lost"
    assert play(referee, entered(name))[0]["end"] == how


def test_a_policy_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, with all that it started, and the suite goes on."""
    monkeypatch.setenv("MARK", str(tmp_path / "pids"))
    with closing(Referee(Means(), Patience(decide=5.0))) as referee:
        done, trace = play(referee, entered("hangs"))
        assert (done["end"], done["steps"], len(trace)) == (LATE, 64, 64)
        assert "no answer after 5 s; --policy-timeout waits longer" in done["error"]
        pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
        assert len(pids) == 2
        for pid in pids:
            wait_until_gone(pid)
        assert play(referee, "expert", "pulse-1")[0]["end"] == "won"


def wait_until_gone(pid: int) -> None:
    """A process that was killed is gone once it has been reaped."""
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.02)


@pytest.mark.parametrize(
    ("sent", "how", "said"),
    [
        (signal.SIGKILL, "game crashed", "its process was ended by SIGKILL"),
        (signal.SIGSTOP, "game hung", "no sign of life for 20 s"),
    ],
)
def test_a_games_failure_is_not_the_policys(sent: int, how: str, said: str) -> None:
    """A game that dies or hangs while a good player plays it."""
    referee = Referee(Means(), Patience(game=20.0))
    found: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: found.append(play(referee, entered("right"), "maze-1")[0])
    )
    thread.start()
    try:
        os.kill(episode_of(os.getpid()), sent)
        thread.join()
        assert found[0]["end"] == how
        assert said in found[0]["error"]
        assert play(referee, entered("right"))[0]["end"] == "lost"
    finally:
        referee.close()


def episode_of(parent: int) -> int:
    """The episode's process, as soon as it plays."""
    while True:
        for child in psutil.Process(parent).children():
            try:
                if EPISODE in child.cmdline() and child.cpu_times().user > 0.5:
                    return child.pid
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.02)


def test_a_function_begins_every_episode_anew(referee: Referee) -> None:
    """What it remembers of one episode would be an advantage in the next."""
    for _ in range(2):
        _, trace = play(referee, entered("counts"), "pulse-1")
        assert np.allclose(trace[:, 17], (1 + np.arange(len(trace)) // 16) / 1000)


def test_a_checkpoint_plays_by_its_timeline() -> None:
    """Twice the same, with all that a policy has to say of itself."""
    with closing(Referee(Means("torch", "cpu"), Patience())) as referee:
        _twice_the_same(referee)


def _twice_the_same(referee: Referee) -> None:
    card = referee.enter(parse_entry("random:tiny"))
    assert (card.kind, card.random, len(card.digest)) == ("checkpoint", True, 64)
    (one, trace), (other, again) = (play(referee, "random:tiny") for _ in range(2))
    assert one["end"] in ("won", "lost", "limit")
    assert np.array_equal(trace, again)
    assert one["facts"] == other["facts"]
    assert np.array_equal(trace[: card.shift - 1], np.zeros((card.shift - 1, 20)))
    assert np.unique(trace, axis=0).shape[0] > 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (entered("nothing"), "has no 'nothing'; it has right, counts"),
        (entered("NUMBER"), "is a int; it is a function of (picture, info)"),
        ("no_such_package.players:act", "No module named 'no_such_package'"),
        (str(FILE) + "c:act", "there is no policy"),
    ],
)
def test_what_cannot_be_loaded(referee: Referee, text: str, said: str) -> None:
    """It is said before a game is started, in one line."""
    with pytest.raises(EntryError) as error:
        referee.enter(parse_entry(text))
    assert said in error.value.line()


def test_the_current_folder_is_not_searched(
    referee: Referee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that happens to lie there is nobody's policy."""
    (tmp_path / "happens_to_lie_here.py").write_text("def act(picture, info): ...\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EntryError, match="current folder is not searched"):
        try:
            referee.enter(parse_entry("happens_to_lie_here:act"))
        except EntryError as error:
            raise EntryError(error.line()) from error


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def act(picture, info)\n", "SyntaxError"),
        ("import no_such_thing\n", "ModuleNotFoundError"),
        ("raise SystemExit('go away')\n", "SystemExit: go away"),
        ("import os\nos._exit(7)\n", "its process ended with status 7"),
    ],
)
def test_a_file_that_does_not_load(
    referee: Referee, tmp_path: Path, source: str, said: str
) -> None:
    """Its own error, and not ours."""
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(EntryError) as error:
        referee.enter(parse_entry(f"{tmp_path / 'mine.py'}:act"))
    assert said in error.value.line()
