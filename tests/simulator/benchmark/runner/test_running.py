"""Whole runs: resumed, repeated, interrupted, killed, filmed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import psutil
import pytest

from nitropilot.children import module_command, module_environment
from nitropilot.simulator.arcade.judged import MARK
from nitropilot.simulator.benchmark.policies.naming import parse_entry
from nitropilot.simulator.benchmark.results.checking import check
from nitropilot.simulator.benchmark.results.errors import RunDiffers
from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.results.traces import read_trace
from nitropilot.simulator.benchmark.runner import suites
from nitropilot.simulator.benchmark.runner.errors import BadRun, UnknownSuite
from nitropilot.simulator.benchmark.runner.running import TRIES, run
from nitropilot.simulator.benchmark.runner.suites import choose_tasks, task_named
from nitropilot.simulator.benchmark.runner.verifying import verify
from nitropilot.simulator.benchmark.runner.wishes import Wish, parse_seeds
from nitropilot.simulator.environments import game_env
from nitropilot.simulator.environments.errors import NotPlayable, UnknownTask, UntestedVersion
from tests.simulator.benchmark.runner.test_referee import (
    entered,
    episode_of,
    no_process_is_left,
    wait_until_gone,
)

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.runner.running import Told


pytestmark = pytest.mark.long
ARCADE = "nitropilot.simulator.arcade.judged"
IN_PLAY = 30
"""Ticks that a game has told of when it is killed in play."""


def wish(*policies: str, task: str = "pulse-1", seeds: str = "0-1", **more: Any) -> Wish:
    """Some episodes of the arcade."""
    tasks, entries = choose_tasks("arcade", tasks=(task,)), map(parse_entry, policies)
    return Wish(tuple(tasks), tuple(entries), parse_seeds(seeds), **more)


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    """Nothing is played twice, nothing is lost, and what comes out is what one go gives."""
    wanted = wish("expert", entered("right"), "idle", digest=True)

    def stop_after_two(told: Told) -> None:
        if told.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(wanted, tmp_path / "one", stop_after_two)
    no_process_is_left()
    begun = read_result(tmp_path / "one").records
    assert len(begun) == 2
    run(wanted, tmp_path / "one")
    run(wanted, tmp_path / "one")  # nothing is missing: nothing is played
    run(wish("expert", entered("right"), "idle", digest=True, jobs=1), tmp_path / "other")
    no_process_is_left()
    results = [read_result(tmp_path / name) for name in ("one", "other")]
    assert results[0].records[:2] == begun
    found = [{record.key: record for record in result.records} for result in results]
    assert len(found[0]) == len(results[0].records) == 6
    assert found[0].keys() == found[1].keys()
    for key, one in found[0].items():
        other = found[1][key]
        assert (one.end, one.progress, one.steps) == (other.end, other.progress, other.steps)
        assert one.frames_digest == other.frames_digest is not None
        assert one.facts == other.facts
        traces = [read_trace(tmp_path / name / record.trace.file)  # type: ignore[union-attr]
                  for name, record in (("one", one), ("other", other))]  # fmt: skip
        assert np.array_equal(*traces)
        assert one.success == (key.policy == "expert")
    with pytest.raises(RunDiffers, match="seeds"):
        run(wish("expert", entered("right"), "idle", seeds="0-2"), tmp_path / "one")


@pytest.mark.game
@pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux")
def test_a_game_with_a_window_is_run_like_any_other(tmp_path: Path) -> None:
    """In lockstep twice the same, on displays of their own; and nothing is left of it."""
    tasks = choose_tasks("free10", tasks=["supertux-2"])
    wanted = Wish(tuple(tasks), (parse_entry("idle"),), (1,), track="lockstep", digest=True)
    for name in ("one", "other"):
        run(wanted, tmp_path / name)
    no_process_is_left()
    one, other = (read_result(tmp_path / name).records for name in ("one", "other"))
    assert [record.end for record in one] == ["lost"], "somebody walks into who stands there"
    assert one[0].steps == other[0].steps > 100
    assert one[0].frames_digest == other[0].frames_digest is not None
    assert check(tmp_path / "one").sound
    assert tasks[0].verified_success == 1.0
    assert tasks[0].random is not None and tasks[0].random < 0.2


@pytest.mark.game
@pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux")
def test_the_arcade_in_its_window_is_the_same_result(tmp_path: Path) -> None:
    """The same pictures and verdict as in process, after a crash in mid-play that is nobody's but
    the game's; it is held against its window again; and nothing is left running."""
    before, over = set(psutil.Process().children(recursive=True)), threading.Event()

    def kill() -> None:
        if (game := game_in_play(over)) is not None:
            os.kill(game, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    try:
        for name, window in (("near", False), ("far", True)):
            if window:
                killer.start()
            wanted = wish("random", seeds="1", track="lockstep", digest=True, window=window)
            run(wanted, tmp_path / name)
    finally:
        over.set()
        if killer.ident is not None:
            killer.join()
    assert not set(psutil.Process().children(recursive=True)) - before
    (near,), (crashed, far) = (read_result(tmp_path / name).records for name in ("near", "far"))
    assert (crashed.end, crashed.void, crashed.attempt) == ("game crashed", True, 1)
    assert "the arcade's pulse" in crashed.error
    assert IN_PLAY // 2 <= crashed.steps < far.steps
    assert (far.void, far.attempt) == (False, 2)
    assert (near.end, near.steps, near.progress) == (far.end, far.steps, far.progress)
    assert near.steps > 100
    assert near.facts == far.facts
    assert (near.raw_score, near.normalised_score) == (far.raw_score, far.normalised_score)
    assert near.normalised_score == pytest.approx(near.progress)
    assert near.freezes.count == 0, "in process there is nothing to hold"
    assert far.freezes.count == far.steps
    assert far.freezes.seconds > 0
    assert far.disagreements == (), "the picture shows what the game says"
    assert near.frames_digest == far.frames_digest is not None
    again = verify(tmp_path / "far")
    assert (again.holds, again.played) == (True, 1)
    with pytest.raises(RunDiffers, match=r"options.window was False and is True"):
        run(wanted, tmp_path / "near")
    with pytest.raises(BadRun, match="supertux-2 is played in its window anyway"):
        task_named("free10", "supertux-2", window=True)


def game_in_play(over: threading.Event) -> int | None:
    """The window of the arcade that a run of this process has launched, as soon as it is played;
    None when the run is over before."""
    while not over.wait(0.02):
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error, OSError):
                if ARCADE in child.cmdline():
                    said = Path(f"/proc/{child.pid}/fd/1").read_text(encoding="utf-8")
                    if said.count(MARK) > IN_PLAY:
                        return child.pid
    return None


@pytest.mark.game
@pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux")
def test_a_real_game_in_real_time(tmp_path: Path) -> None:
    """It goes on while the policy thinks: what comes too late is counted, and nothing is frozen."""
    tasks, slow = choose_tasks("free10", tasks=["supertux-2"]), parse_entry(entered("slow"))
    run(Wish(tuple(tasks), (slow,), (1,), track="realtime"), tmp_path)
    no_process_is_left()
    result = read_result(tmp_path)
    (record,) = result.decided().values()
    assert record.end == "lost", "it walks into the first enemy"
    assert record.delays.deadline_misses > 3
    assert record.delays.deadline_misses <= record.delays.decisions
    assert record.freezes.count == 0
    assert record.trace is not None
    assert len(read_trace(tmp_path / record.trace.file)) == record.steps > 100
    assert record.raw_score == record.facts["x"]
    assert record.normalised_score == record.facts["x"] / 2000
    assert check(tmp_path).sound


def test_a_window_where_there_can_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said before anything is played, with what is there instead."""
    monkeypatch.setattr(suites.sys, "platform", "win32")
    with pytest.raises(NotPlayable, match="are for Linux") as error:
        wish("idle", window=True)
    assert "in process it is the same game" in error.value.hint


def test_a_game_that_is_not_installed_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not found out by episodes that fail three times each."""
    (task,) = choose_tasks("free10", tasks=["supertux-1"])
    monkeypatch.setattr(game_env, "installed_version", lambda _game: "0.7.0")
    with pytest.raises(UntestedVersion, match=r"SuperTux 0.7.0 is installed; .* with 0.6.3"):
        Wish((task,), (parse_entry("idle"),), (1,))


@pytest.mark.game
@pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux")
def test_what_cannot_play_a_game_is_not_the_games_failure(tmp_path: Path) -> None:
    """No script plays SuperTux: that is said once an episode, and nothing is played again."""
    tasks = choose_tasks("free10", tasks=["supertux-1"])
    run(Wish(tuple(tasks), (parse_entry("expert"),), (5,)), tmp_path / "r")
    (record,) = read_result(tmp_path / "r").records
    assert (record.end, record.void) == ("policy crashed", False)
    assert "no expert" in record.error


def test_a_failed_game_is_played_again(tmp_path: Path) -> None:
    """The failure stands in the result, and the episode counts all the same."""
    killer = threading.Thread(target=lambda: os.kill(episode_of(os.getpid()), signal.SIGKILL))
    killer.start()
    told: list[Told] = []
    run(wish("idle", task="runner-1", seeds="5"), tmp_path / "r", told.append)
    killer.join()
    first, second = read_result(tmp_path / "r").records
    assert (first.end, first.void, first.attempt) == ("game crashed", True, 1)
    assert "SIGKILL" in first.error
    assert (second.end, second.attempt, second.seed) == ("limit", 2, 5)
    assert [each.done for each in told] == [0, 1]


def test_a_game_that_always_fails_is_given_up(tmp_path: Path) -> None:
    """A run must end; what is missing is said, and can be played later."""
    over = threading.Event()

    def kill() -> None:
        for _ in range(TRIES):
            pid = episode_of(os.getpid())
            os.kill(pid, signal.SIGKILL)
            wait_until_gone(pid)
        over.set()

    threading.Thread(target=kill).start()
    wanted = wish("idle", task="runner-1", seeds="5")
    run(wanted, tmp_path / "r")
    assert over.wait()
    result = read_result(tmp_path / "r")
    assert [record.end for record in result.records] == ["game crashed"] * TRIES
    assert [planned.attempt for planned in result.missing()] == [TRIES + 1]


def test_a_video_shows_every_step(tmp_path: Path) -> None:
    """What was seen and pressed can be looked at."""
    run(wish("idle", seeds="1", video=True), tmp_path / "r")
    (record,) = read_result(tmp_path / "r").records
    assert record.video is not None
    with av.open(str(tmp_path / "r" / record.video.file)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(frames) == record.steps
    assert frames[0].shape == (512, 512, 3)
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 1
    assert not list((tmp_path / "r").rglob("*.part"))


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_an_end_leaves_nothing_behind(tmp_path: Path, sent: int) -> None:
    """Not the episode, not its policy, not what the policy had started."""
    mark = tmp_path / "pids"
    command = module_command(
        "nitropilot", "benchmark", "run", "--policy", entered("hangs"), "--task", "runner-1",
        "--seeds", "3", "--out", str(tmp_path / "r"),
    )  # fmt: skip
    environment = module_environment() | {"MARK": str(mark), "NITROPILOT_DATA": str(tmp_path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while not mark.exists() or len(mark.read_text().split()) != 2:
            assert process.poll() is None
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) == 3  # the episode, the policy, and its own child
        process.send_signal(sent)
        assert process.wait() == (130 if sent == signal.SIGINT else -sent)
        for each in family:
            wait_until_gone(each.pid)
    assert read_result(tmp_path / "r").records == ()


def test_a_result_holds_together(tmp_path: Path) -> None:
    """What the runner writes passes the check that others will hold it to."""
    run(wish(entered("raises"), "random", seeds="0", task="road-1"), tmp_path / "r")
    assert check(tmp_path / "r").problems == ()
    ends = {record.policy: record for record in read_result(tmp_path / "r").records}
    failed = ends[entered("raises")]
    assert (failed.end, failed.void, failed.steps) == ("policy crashed", False, 64)
    assert failed.delays.decisions == 4


@pytest.mark.parametrize(
    ("suite", "games", "tasks", "said"),
    [
        ("arcad", (), (), "did you mean arcade?"),
        ("nothing", (), (), "suites are arcade, free10"),
        ("arcade", ("runer",), (), "did you mean runner?"),
        ("arcade", (), ("mase-1",), "did you mean maze-1"),
        ("arcade", ("road",), ("maze-1",), "maze-1 is no task of road"),
        ("arcade", (), ("supertux-2",), "it is of the suite free10"),
        ("free10", (), ("supertux-9",), "did you mean supertux-"),
    ],
)
def test_unknown_tasks_are_named(suite: str, games: Any, tasks: Any, said: str) -> None:
    """A suite without one of its tasks is another suite."""
    with pytest.raises((UnknownSuite, UnknownTask)) as error:
        choose_tasks(suite, games, tasks)
    assert said in error.value.line()


def test_which_tasks_are_chosen() -> None:
    """All of a suite, of a game, or those alone that are named."""
    assert len(choose_tasks("arcade")) == 15
    assert [task.task for task in choose_tasks("arcade", ["maze"])] == [
        "maze-1",
        "maze-2",
        "maze-3",
    ]
    assert [task.game for task in choose_tasks("arcade", [], ["road-2"])] == ["road"]


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", (3,)), ("0-3", (0, 1, 2, 3)), ("7, 1 - 2", (7, 1, 2)), ("2147483646", (2**31 - 2,))],
)
def test_seeds_that_are_read(text: str, seeds: tuple[int, ...]) -> None:
    """One, several, and from one to another."""
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "-1", "3-1", "1,,2", "1-2-3", "0-99999999", "1.5", "²"])
def test_seeds_that_are_none(text: str) -> None:
    """They decide what is played: nothing is guessed."""
    with pytest.raises(BadRun):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"seeds": "1,1"}, "the seed 1 is there twice"),
        ({"seeds": "2147483647"}, "out of range"),
    ],
)
def test_wishes_that_do_not_fit(more: dict[str, Any], said: str) -> None:
    """They are refused before anything is loaded."""
    with pytest.raises(BadRun, match=said):
        wish("idle", **more)
    with pytest.raises(BadRun, match="the policy idle is there twice"):
        wish("idle", "idle")
