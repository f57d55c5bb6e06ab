"""The preloaded library in programs that want nothing of it, and when things go wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.clock.layout import CLOCK_VARIABLE
from nitropilot.controller.pads import shim_build
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.state import Button, GamepadState

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.controller.pads.pad_page import PadPage
    from tests.controller.shim.conftest import Console

PYTHON = "import subprocess, threading, ssl; print(subprocess.check_output(['echo', 'from below']))"


@pytest.mark.parametrize(
    "command",
    [
        ["bash", "-c", "set -o pipefail; ls -la / | sort | head -n 3; echo $(( $(id -u) + 1 ))"],
        [sys.executable, "-c", PYTHON],
        ["git", "--version"],
        ["find", "/dev", "-maxdepth", "1", "-name", "nul*"],
        ["cc", "--version"],
        ["busybox", "ls", "/dev/null"],
    ],
    ids=lambda command: command[0].rpartition("/")[2],
)
def test_what_programs_say_stays_the_same(command: list[str], page: PadPage) -> None:
    """Launch scripts and helpers of a game inherit the library."""
    program = shutil.which(command[0])
    assert program is not None, f"{command[0]} is not installed"
    plain = subprocess.run([program, *command[1:]], capture_output=True, check=True)
    environment = {**os.environ, **launch_environment(page)}
    ours = subprocess.run([program, *command[1:]], capture_output=True, env=environment, check=True)
    assert (ours.stdout, ours.stderr) == (plain.stdout, plain.stderr)
    assert page.status().attached == 0


def test_no_thread_where_nobody_looks_for_a_pad(console: Console) -> None:
    """A thread more keeps a program from what only one with a single thread may do."""
    assert console.ask("len(os.listdir('/proc/self/task'))") == 1
    console.ask("pad = opened()")
    assert console.ask("len(os.listdir('/proc/self/task'))") == 2


def test_no_descriptor_left(console: Console, page: PadPage) -> None:
    """The open fails as with a real device, and the game goes on; the player learns why."""
    console.ask("import resource")
    console.ask("resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))")
    assert console.ask("[os.dup(0) for _ in range(100)]") == "EMFILE"
    assert console.ask("opened()") == "EMFILE"
    assert "too many files" in page.status().error
    console.ask("os.closerange(3, 64)")
    console.ask("pad = opened()")
    page.write(GamepadState(buttons=Button.A))
    assert console.ask("keys(pad)") == [0x130]
    assert page.status().error == "", "what went wrong once is over"


def test_a_pad_that_is_opened_a_thousand_times(console: Console) -> None:
    """Games look for new pads by opening the old ones, every second, for hours."""
    assert console.ask("[os.close(opened()) for _ in range(1000)][0]") is None
    console.ask("pad = opened()")
    assert console.ask("len(os.listdir('/proc/self/fd'))") < 12
    assert console.ask("len({name(opened()) for _ in range(20)})") == 1


def test_a_library_is_still_found_beside_its_caller(
    page: PadPage, compiled: Callable[..., Path], tmp_path: Path
) -> None:
    """dlopen searches the folders of who calls it; whoever stands between is taken for that."""
    compiled("int seven(void) { return 7; }", "-shared", "-fPIC", name="libseven.so")
    caller = compiled(
        "#include <dlfcn.h>\n"
        'void *load(void) { void *found = dlopen("libseven.so", RTLD_NOW); return found; }\n',
        "-shared", "-fPIC", "-Wl,-rpath,$ORIGIN", "-ldl", name="libcaller.so",
    )  # fmt: skip
    program = compiled(
        "void *load(void); int main(void) { return load() ? 0 : 1; }", str(caller),
        f"-Wl,-rpath,{tmp_path}", name="program",
    )  # fmt: skip
    environment = {**os.environ, **launch_environment(page)}
    assert subprocess.run([program], env=environment).returncode == 0


EARLY = """
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
static int early, inside; /* what an allocator does before anything else is ready */
void *malloc(size_t size)
{
    extern void *__libc_malloc(size_t);
    struct timespec now;
    char text[8];
    int fd;

    if (inside)
        abort(); /* it has a lock on itself */
    if (!early) {
        inside = 1;
        early = readlink("/etc/malloc.conf", text, sizeof text) > 0 ? 2 : 1;
        fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY);
        if (read(fd, text, sizeof text) > 0 && ioctl(fd, FIONREAD, &early) != 12345)
            early = 2;
        close(fd);
        if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
            early = 2;
        inside = 0;
    }
    return __libc_malloc(size);
}
__attribute__((constructor)) static void begin(void) /* the last library named begins first */
{
    struct stat info;
    char *volatile some = malloc(1);

    free(some);
    if (stat("/", &info) != 0 || poll(NULL, 0, 0) != 0 || !opendir("/") || !fopen("/", "r"))
        abort();
}
"""


def test_an_allocator_that_reads_files(page: PadPage, compiled: Callable[..., Path]) -> None:
    """Looking up a function may allocate: looked up in the middle of a call, it never returns.
    Other libraries start before ours, and do all kinds of things then."""
    clock = ClockPage.create()
    library = compiled(EARLY, "-shared", "-fPIC", name="early.so")
    environment = {**os.environ, **launch_environment(page), CLOCK_VARIABLE: str(clock.path)}
    first = {**environment, "LD_PRELOAD": f"{library}:{environment['LD_PRELOAD']}"}
    last = {**environment, "LD_PRELOAD": f"{environment['LD_PRELOAD']}:{library}"}
    for each in (first, last):
        done = subprocess.run(["env", "echo", "fine"], env=each, capture_output=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"fine\n", b"")
    clock.close()
    clock.unlink()


GATE = """
#include "shim.h"
EXPORT void test_hold(int held) { pad_hold(held); }
EXPORT void test_push(void) { pad_push(); }
EXPORT void test_refresh(void) { pad_refresh(); }
"""


def test_the_pad_moves_at_a_push_and_at_no_other_time(
    page: PadPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: None
) -> None:
    """In lockstep a press belongs to a frame: one that comes in between makes replays differ."""
    from tests.controller.shim.conftest import Console

    sources = tmp_path / "sources"
    shutil.copytree(shim_build.SOURCES, sources)
    (sources / "gate.c").write_text(GATE)
    monkeypatch.setattr(shim_build, "SOURCES", sources)
    console = Console(launch_environment(page))
    try:
        console.ask(f"library = {str(shim_build.build_shim())!r}")
        console.ask("gate = ctypes.CDLL(library); pad = opened()")
        console.ask("gate.test_hold(1)")
        page.write(GamepadState(buttons=Button.A))
        console.ask("gate.test_refresh()")
        assert console.ask("[ready(pad, 'poll'), read(pad), keys(pad)]") == [False, "EAGAIN", []]
        console.ask("gate.test_push()")
        page.write(GamepadState(buttons=Button.B))
        assert console.ask("[read_all(pad), keys(pad)]") == [[[1, 0x130, 1], [0, 0, 0]], [0x130]]
        page.renew(-1.0)
        assert console.ask("[read(pad), keys(pad)]") == ["EAGAIN", [0x130]]
        console.ask("gate.test_push()")
        assert console.ask("[read_all(pad), keys(pad)]") == [[[1, 0x130, 0], [0, 0, 0]], []]
        console.ask("gate.test_hold(0)")
        page.write(GamepadState(buttons=Button.X))
        assert console.ask("keys(pad)") == [0x133]
    finally:
        console.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is built here has no place among what games are launched with."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
