"""Pausing real trees of processes."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from nitropilot.controller import processes
from nitropilot.controller.errors import PauseFailed, PauseRefused, ProcessGone
from nitropilot.controller.ledger import places
from nitropilot.controller.ledger.entry import Entry
from nitropilot.controller.pausing.pauser import Pauser
from nitropilot.controller.processes import State, descendants, state
from tests.controller.pausing.ticking import WAIT_S, TickingGame, end, reused_pid, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

if sys.platform == "win32":
    pytest.skip("stops processes with POSIX signals", allow_module_level=True)

FAMILY = (0, 0, 1, 1)
"""A root with two children, the first of which has two of its own."""
root_only = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., TickingGame]]:
    games: list[TickingGame] = []

    def start(*parents: int, options: tuple[str, ...] = ()) -> TickingGame:
        games.append(TickingGame(tmp_path, parents, options))
        return games[-1]

    yield start
    for game in games:
        game.close()


@pytest.fixture(params=["children file", "psutil"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to list a tree: kernels built without the children file take the second."""
    if request.param == "psutil":
        monkeypatch.setattr(processes, "_CHILDREN_FILE", Path("/nowhere"))
    elif not processes._CHILDREN_FILE.exists():
        pytest.skip("this kernel has no /proc/PID/task/TID/children")


@pytest.mark.usefixtures("way")
def test_stops_and_resumes_a_whole_tree(play: Callable[..., TickingGame]) -> None:
    """A child that goes on (an engine, a sound server) would play on without the root."""
    game = play(*FAMILY)
    with Pauser(game.pid) as pauser:
        for _ in range(3):
            pauser.freeze()
            assert pauser.frozen and game.stands()
            pauser.thaw()
            game.await_ticks()


@pytest.mark.usefixtures("way")
def test_catches_children_forked_while_freezing(
    play: Callable[..., TickingGame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process born between the listing and the stop would escape the pause."""
    game = play(0, options=("fork",))
    real = psutil.Process.suspend

    def suspend(process: psutil.Process) -> None:
        born = len(game.pids())
        if process.pid == game.pids()[1]:
            wait_for(lambda: len(game.pids()) > born + 1, "a child that was not listed")
        real(process)

    monkeypatch.setattr(psutil.Process, "suspend", suspend)
    with Pauser(game.pid, timeout=WAIT_S) as pauser:
        for _ in range(3):
            pauser.freeze()
            born = len(game.pids())
            assert game.stands() and len(game.pids()) == born
            pauser.thaw()
            game.await_ticks()


def test_every_thread_has_stopped_when_freeze_returns(play: Callable[..., TickingGame]) -> None:
    """A render thread that still runs for a moment would change the picture we look at."""
    game = play(options=("threads",))
    with Pauser(game.pid) as pauser:
        pauser.freeze()
        stats = [path.read_text() for path in Path(f"/proc/{game.pid}/task").glob("*/stat")]
        assert len(stats) > 20
        assert {text.rpartition(")")[2].split()[0] for text in stats} == {"T"}


def test_pauses_a_game_whose_first_thread_has_ended(play: Callable[..., TickingGame]) -> None:
    """Such a process looks like a zombie at first sight, and was taken for dead."""
    game = play(options=("leaderless",))
    wait_for(lambda: psutil.Process(game.pid).status() == "zombie", "the first thread to end")
    with Pauser(game.pid) as pauser:
        pauser.freeze()
        assert pauser.alive() and game.stands()
        pauser.thaw()
        game.await_ticks()


def test_freeze_and_thaw_twice(play: Callable[..., TickingGame]) -> None:
    """Unbalanced calls come from stop buttons; the game must run after one thaw."""
    game = play(0)
    pauser = Pauser(game.pid)
    pauser.thaw()
    pauser.freeze()
    pauser.freeze()
    pauser.thaw()
    pauser.thaw()
    assert not pauser.frozen
    game.await_ticks()
    pauser.freeze()
    pauser.close()
    pauser.close()
    game.await_ticks()


def test_leaves_alone_what_others_stopped(play: Callable[..., TickingGame]) -> None:
    """A game that the player stopped by hand must not start because we thaw."""
    game = play(0)
    child = game.pids()[1]
    with Pauser(game.pid) as pauser:
        os.kill(child, signal.SIGSTOP)
        wait_for(lambda: state(psutil.Process(child)) is State.STOPPED, "the child to stop")
        pauser.freeze()
        assert not pauser.stopped_by_others()
        pauser.thaw()
        game.await_ticks(0)
        assert game.stands(1)
        os.kill(game.pid, signal.SIGSTOP)
        wait_for(pauser.stopped_by_others, "the root to stop")
        pauser.freeze()
        pauser.thaw()
        assert pauser.stopped_by_others() and game.stands()
        os.kill(game.pid, signal.SIGCONT)
        assert not pauser.stopped_by_others()


def test_a_process_that_dies_frozen_leaves_no_other_frozen(
    play: Callable[..., TickingGame],
) -> None:
    """Children of a killed process have left the tree; they must run again all the same."""
    game = play(*FAMILY)
    with Pauser(game.pid) as pauser:
        pauser.freeze()
        os.kill(game.pids()[1], signal.SIGKILL)
        pauser.thaw()
        game.await_ticks(0, 2, 3, 4)


def test_a_root_that_dies_frozen(play: Callable[..., TickingGame]) -> None:
    """The game crashing in a pause must neither raise from thaw nor strand its helpers."""
    game = play(*FAMILY)
    with Pauser(game.pid) as pauser:
        pauser.freeze()
        game.process.kill()
        game.process.wait()
        assert not pauser.alive()
        pauser.thaw()
        game.await_ticks(1, 2, 3, 4)
        with pytest.raises(ProcessGone):
            pauser.freeze()
        assert not pauser.frozen


@pytest.mark.parametrize("pid", [-5, 0, 1])
def test_refuses_the_system(pid: int) -> None:
    """SIGSTOP to 0 would hit our own process group."""
    with pytest.raises(PauseRefused, match="operating system"):
        Pauser(pid)


def test_refuses_itself_and_its_ancestors() -> None:
    """We would stand still with nobody to resume us."""
    with pytest.raises(PauseRefused, match="NitroPilot itself"):
        Pauser(os.getpid())
    for ancestor in psutil.Process().parents():
        with pytest.raises(PauseRefused, match=r"started NitroPilot|operating system"):
            Pauser(ancestor.pid)


def test_refuses_the_id_of_one_of_our_threads() -> None:
    """/proc answers for thread ids too, and a signal to one stops its whole process: us."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        with pytest.raises(ProcessGone):
            Pauser(thread.native_id)
    finally:
        done.set()
        thread.join()


def test_refuses_a_tree_with_a_protected_process(play: Callable[..., TickingGame]) -> None:
    """A frozen X server would hang every screen grab, and so the one who should thaw it."""
    game, other = play(*FAMILY), play()
    for guarded in (game.pid, game.pids()[4]):
        with pytest.raises(PauseRefused, match=f"process {guarded} below it|must run on"):
            Pauser(game.pid, protect=[guarded])
    ended = subprocess.Popen(["true"])
    ended.wait()
    with Pauser(game.pid, protect=[other.pid, ended.pid]) as pauser:
        pauser.freeze()
        other.await_ticks()


@root_only
def test_refuses_a_process_of_another_user() -> None:
    """Root could stop anything; a pid sent by mistake must not hit another user's program."""
    process = subprocess.Popen(["sleep", "600"], user=65534)
    try:
        with pytest.raises(PauseRefused, match="belongs to the user 65534") as caught:
            Pauser(process.pid)
        assert "same user" in caught.value.hint
    finally:
        process.kill()
        process.wait()


@root_only
def test_refuses_a_tree_with_a_child_of_another_user(play: Callable[..., TickingGame]) -> None:
    """Found only after the root has stopped: everything must run again."""
    game = play(0, options=("foreign",))
    pauser = Pauser(game.pid)
    with pytest.raises(PauseRefused, match="belongs to the user 65534"):
        pauser.freeze()
    assert not pauser.frozen
    game.await_ticks()


def test_a_dead_process_and_a_zombie_are_gone() -> None:
    """A zombie keeps its id until its parent collects it; there is nothing to pause."""
    process = subprocess.Popen(["true"])
    wait_for(lambda: psutil.Process(process.pid).status() == "zombie", "the process to end")
    with pytest.raises(ProcessGone, match=f"process {process.pid} is not running"):
        Pauser(process.pid)
    process.wait()
    with pytest.raises(ProcessGone):
        Pauser(process.pid)
    with pytest.raises(ProcessGone):
        Pauser(2**40)


@root_only
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the raw clone3 call is written for it")
def test_never_touches_a_reused_process_id() -> None:
    """The game ends and its id goes to another program, which must not be stopped."""
    old = subprocess.Popen(["sleep", "600"])
    pauser = Pauser(old.pid)
    time.sleep(0.02)  # process start times are counted in steps of 10 ms
    old.kill()
    old.wait()
    helper = reused_pid(old.pid)
    try:
        assert not pauser.alive()
        with pytest.raises(ProcessGone):
            pauser.freeze()
        assert state(psutil.Process(old.pid)) is State.RUNNING
    finally:
        end(helper)


def test_says_when_a_process_does_not_stop(
    play: Callable[..., TickingGame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pause that did not happen must not be reported as one."""
    game = play(0)
    pauser = Pauser(game.pid, timeout=0.1)
    real, child = psutil.Process.suspend, game.pids()[1]

    def suspend(process: psutil.Process) -> None:
        if process.pid != child:
            real(process)

    monkeypatch.setattr(psutil.Process, "suspend", suspend)
    with pytest.raises(PauseFailed, match=f"process {child} .* did not stop within 0.1 s"):
        pauser.freeze()
    assert not pauser.frozen
    game.await_ticks()


def test_says_when_a_process_does_not_go_on(
    play: Callable[..., TickingGame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence here would leave the player in front of a dead picture."""
    game = play()
    pauser = Pauser(game.pid, timeout=0.1)
    pauser.freeze()
    monkeypatch.setattr(psutil.Process, "resume", lambda process: None)
    with pytest.raises(PauseFailed, match=r"still stopped 0\.1 s after"):
        pauser.thaw()
    os.kill(game.pid, signal.SIGCONT)
    game.await_ticks()


def test_an_interrupt_while_freezing_resumes_everything(
    play: Callable[..., TickingGame], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of a freeze must not leave half a tree standing."""
    game = play(*FAMILY)
    real, last = psutil.Process.suspend, game.pids()[4]

    def suspend(process: psutil.Process) -> None:
        real(process)
        if process.pid == last:
            raise KeyboardInterrupt

    monkeypatch.setattr(psutil.Process, "suspend", suspend)
    with pytest.raises(KeyboardInterrupt):
        Pauser(game.pid).freeze()
    game.await_ticks()


def test_threads_may_share_one(play: Callable[..., TickingGame]) -> None:
    """The play loop freezes while a stop button thaws; neither may lose a process."""
    game = play(*FAMILY)
    with Pauser(game.pid) as pauser:
        calls = [pauser.freeze, pauser.thaw, pauser.freeze, pauser.thaw]
        threads = [
            threading.Thread(target=lambda call=call: [call() for _ in range(50)]) for call in calls
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        pauser.freeze()
        assert game.stands()
    game.await_ticks()


@pytest.mark.usefixtures("way")
def test_descendants_come_after_their_parents(play: Callable[..., TickingGame]) -> None:
    """Freezing relies on it: a parent in ``vfork`` cannot stop while its child stands."""
    game = play(*FAMILY)
    pids = game.pids()
    found = descendants(game.pid)
    assert sorted(found) == sorted(pids[1:])
    assert found.index(pids[1]) < min(found.index(pids[3]), found.index(pids[4]))
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert descendants(ended.pid) == []


def test_freezing_waits_for_a_vfork_to_end(tmp_path: Path) -> None:
    """A parent in ``vfork`` does not stop before its child has become a program."""
    source = tmp_path / "vfork.c"
    source.write_text(
        "#include <unistd.h>\n"
        "int main(void) { for (;;) { if (vfork() == 0) { usleep(200000); _exit(0); } } }\n"
    )
    program = tmp_path / "vfork"
    try:
        subprocess.run(["cc", "-w", str(source), "-o", str(program)], check=True)
    except FileNotFoundError:
        pytest.skip("no C compiler")
    game = subprocess.Popen([str(program)], start_new_session=True)
    try:
        wait_for(lambda: bool(descendants(game.pid)), "a vfork to begin")
        with Pauser(game.pid) as pauser:
            pauser.freeze()
            assert state(psutil.Process(game.pid)) is State.STOPPED
    finally:
        os.killpg(game.pid, signal.SIGKILL)
        game.wait()


class Noting(Entry):
    """An entry that looks whether what it is told of still runs."""

    def freezing(self, processes: Iterable[tuple[int, str]]) -> None:
        """Note it, if that can be done in time."""
        told = [*processes]
        assert all(state(psutil.Process(pid)) is State.RUNNING for pid, _ in told)
        super().freezing(told)


def test_what_is_stopped_is_noted_first(
    play: Callable[..., TickingGame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever dies in between leaves a line too much, never one too few."""
    monkeypatch.setenv(places.VARIABLE, str(tmp_path / "ledger"))
    game = play(*FAMILY)
    entry = Noting.create("game", {})
    with Pauser(game.pid, entry=entry) as pauser:
        pauser.freeze()
        assert game.stands()
        assert all(f"[{pid}, " in entry.path.read_text() for pid in game.pids())
        pauser.thaw()
        assert "frozen" not in entry.path.read_text()
        entry.remove()
        with pytest.raises(PauseFailed, match="cannot be written"):
            pauser.freeze()
        game.await_ticks()
