"""Building the preload library, for programs of both widths."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot import controller
from nitropilot.controller.errors import ShimError
from nitropilot.controller.pads import shim_build
from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.controller.pads.preload import narrow_library
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.pads.shim_build import build_shim, find_compiler
from tests.controller.shim.conftest import NOT_NARROW

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPILER = find_compiler()
COMPILER_WORDS = shlex.split(COMPILER or "")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux"),
    pytest.mark.skipif(COMPILER is None, reason="no C compiler to build the preload library"),
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and the system's compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    return tmp_path / "cache" / "nitropilot" / "shim"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are, with what stands in for a cache."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"nitropilot-{os.geteuid()}"


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The compiler behind a script that adds a line to the returned file at each run."""
    log = tmp_path / "runs"
    log.touch()
    use_compiler(tmp_path, monkeypatch, f'echo run >> {log}\nexec {COMPILER} "$@"')
    return log


def use_compiler(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "my-cc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("CC", str(program))


def runs(log: Path) -> int:
    return len(log.read_text().splitlines())


def test_the_second_build_does_not_compile(counted: Path, cache: Path) -> None:
    """Every launch of a game would wait for the compiler."""
    library = build_shim()
    assert build_shim() == library
    assert runs(counted) == 1
    assert list(cache.iterdir()) == [library], "nothing half-built may stay"
    assert stat.S_IMODE(library.stat().st_mode) == 0o700
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_a_changed_source_is_built_anew(
    counted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade of NitroPilot an old library would read a page of another layout."""
    old = build_shim()
    sources = tmp_path / "sources"
    shutil.copytree(shim_build.SOURCES, sources)
    monkeypatch.setattr(shim_build, "SOURCES", sources)
    assert build_shim() == old
    (sources / "shared.h").write_text("/* new */\n")
    assert build_shim() != old
    assert runs(counted) == 2
    monkeypatch.setattr("platform.machine", lambda: "riscv128")
    build_shim()
    assert runs(counted) == 3, "a home folder may be shared by machines of two kinds"


@pytest.mark.parametrize("cut", [0, 0.5, 1], ids=["empty", "half", "a byte is wrong"])
def test_a_damaged_library_is_built_anew(counted: Path, cache: Path, cut: float) -> None:
    """A full disk or a power cut left half of it, and no game had a pad ever again: the loader
    says a line in the game's own log, and the doctor said that all was well."""
    library = build_shim()
    good = library.read_bytes()
    library.write_bytes(good[: int(len(good) * cut)] if cut < 1 else good[:-1] + b"\xff")
    (report,) = (one for one in controller.gamepad_reports() if one.name == "sdl")
    assert f"{library} is damaged" in report.reason
    assert library.exists(), "who looks changes nothing"
    assert build_shim().read_bytes() == good
    assert runs(counted) == 2
    assert len(list(cache.iterdir())) == 1
    (report,) = (one for one in controller.gamepad_reports() if one.name == "sdl")
    assert " is damaged" not in report.reason


def test_the_source_has_no_warnings(tmp_path: Path) -> None:
    """Users' compilers differ from ours; a warning here is an error there one day."""
    strict = ("-Werror", "-Wpedantic", "-Wshadow", "-Wconversion")
    command = [*COMPILER_WORDS, *shim_build.FLAGS, *strict, *map(str, shim_build.source_files())]
    for width in [()] if narrow_library() is None else [(), ("-m32",)]:
        made = [*width, "-o", tmp_path / "a.so", *shim_build.LIBRARIES]
        subprocess.run([*command, *made], check=True)


def test_a_machine_without_a_compiler_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most players have no compiler; "file not found: cc" would help none of them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() is None
    with pytest.raises(ShimError, match="no C compiler found") as caught:
        build_shim()
    assert "apt-get install gcc" in caught.value.hint


@pytest.mark.parametrize("chosen", ["no-such-compiler -m64", "gcc 'unbalanced"])
def test_a_compiler_that_was_chosen_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    """Falling back from the user's CC without a word hides their mistake."""
    monkeypatch.setenv("CC", chosen)
    assert find_compiler() is None
    with pytest.raises(ShimError, match="no C compiler found: CC is"):
        build_shim()


def test_the_chosen_compiler_may_have_arguments(
    counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CC="ccache gcc" is common."""
    monkeypatch.setenv("CC", f"{os.environ['CC']} -DNDEBUG")
    assert build_shim().is_file()
    assert runs(counted) == 1


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'In file included from x' >&2; echo 'x.c:1: error: no dlfcn.h' >&2; exit 1",
         "failed: x.c:1: error: no dlfcn.h"),
        ("echo collapsed >&2; exit 3", "failed: collapsed"),
        ("exit 1", "failed: no message"),
        ("exit 0", "failed: no message"),
    ],
)  # fmt: skip
def test_a_broken_compiler_is_quoted(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """The one useful line of a page of compiler output, and no library that is half one."""
    use_compiler(tmp_path, monkeypatch, script)
    with pytest.raises(ShimError, match=reason) as caught:
        build_shim()
    assert "my-cc" in str(caught.value)
    assert "libc6-dev" in caught.value.hint
    assert list(cache.iterdir()) == []


def test_a_compiler_that_cannot_run_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiler for another kind of machine fails in exec, not with an exit status."""
    use_compiler(tmp_path, monkeypatch, "")
    (tmp_path / "my-cc").write_bytes(b"\x7fELF and no more")
    with pytest.raises(ShimError, match=r"cannot run the C compiler .*my-cc"):
        build_shim()


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can give folders away"
)
@pytest.mark.parametrize("built", [True, False])
def test_a_cache_of_another_user_is_not_used(cache: Path, temporary: Path, built: bool) -> None:
    """Under sudo, or with a cache in /tmp, somebody else's code would run in the game."""
    if built:
        build_shim()
    cache.parent.mkdir(parents=True, exist_ok=True)
    os.chown(cache.parent, 12345, 12345)
    assert temporary in build_shim().parents


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can give files away"
)
@pytest.mark.parametrize("link", [True, False])
def test_a_library_of_another_user_is_refused(tmp_path: Path, link: bool) -> None:
    """The folders may be ours and the file not, directly or behind a link."""
    library = build_shim()
    if link:
        theirs = tmp_path / "theirs.so"
        library.rename(theirs)
        library.symlink_to(theirs)
    os.chown(library, 12345, 12345)
    with pytest.raises(ShimError, match="belongs to user 12345"):
        build_shim()


def test_a_cache_open_to_the_group_is_closed(cache: Path) -> None:
    """With a umask of 002 other parts of NitroPilot make the folder writable for the group."""
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    cache.parent.chmod(0o775)
    build_shim()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o755
    assert stat.S_IMODE(cache.parent.stat().st_mode) == 0o755


def test_a_cache_that_cannot_be_made_costs_no_play(cache: Path, temporary: Path) -> None:
    """A read-only home, or a file where the folder should be."""
    cache.parent.parent.mkdir()
    cache.parent.touch()
    assert temporary in build_shim().parents


def test_other_systems_are_told_which_pad_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the preload library makes no sense, compiler or not."""
    with monkeypatch.context() as patch, pytest.raises(ShimError) as caught:
        patch.setattr(sys, "platform", "win32")
        build_shim()
    assert "Linux only, not on win32" in str(caught.value)
    assert "vgamepad" in caught.value.hint


@pytest.fixture
def page() -> Iterator[PadPage]:
    page = PadPage.create()
    yield page
    page.close()
    page.unlink()


def test_a_path_that_cannot_be_preloaded_is_not_used(
    tmp_path: Path, temporary: Path, page: PadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loader splits LD_PRELOAD at spaces: the game would start without its pad."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "my cache"))
    library = Path(launch_environment(page)["LD_PRELOAD"].partition(":")[0])
    assert temporary in library.parents and library.parent.exists()


def test_a_ready_library_is_used(
    counted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container image has no compiler, and a file system that cannot be written."""
    library = tmp_path / "made" / "pad.so"
    done = subprocess.run(
        [sys.executable, "-m", "nitropilot.controller.pads.shim_build", str(library)]
    )
    assert done.returncode == 0
    assert stat.S_IMODE(library.stat().st_mode) == 0o755
    made = runs(counted)
    monkeypatch.setenv("NITROPILOT_PAD_LIBRARY", str(library))
    assert build_shim() == library
    assert runs(counted) == made


def test_programs_of_both_widths_are_led_to_theirs(
    tmp_path: Path, page: PadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The linker refuses a library of the other width aloud, in the output of every program."""
    if narrow_library() is None:
        pytest.skip(NOT_NARROW)
    named = launch_environment(page)["LD_PRELOAD"].partition(":")[0]
    assert named.endswith("/$PLATFORM.so")
    wide, narrow = (Path(named.replace("$PLATFORM", name)) for name in ("x86_64", "i686"))
    assert (wide.read_bytes()[4], narrow.read_bytes()[4]) == (2, 1)
    assert wide.resolve() == build_shim().resolve()
    assert launch_environment(page)["LD_PRELOAD"].partition(":")[0] == named, "made once"


def test_a_compiler_that_knows_one_width_is_enough(
    tmp_path: Path, page: PadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few players have a 32-bit C library, and most games want none."""
    log = tmp_path / "runs"
    script = f'case "$*" in *-m32*) echo run >> {log}; echo no stubs-32.h >&2; exit 1;; esac'
    use_compiler(tmp_path, monkeypatch, f'{script}\nexec {COMPILER} "$@"')
    for _ in range(2):
        named = launch_environment(page)["LD_PRELOAD"].partition(":")[0]
        assert Path(named) == build_shim()
    assert runs(log) == 1, "it is not tried at every launch"


@pytest.mark.parametrize("named", ["/nowhere/pad.so", "pad.so", "/"])
def test_a_ready_library_that_is_not_there(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A game that starts without its pad looks like a policy that does nothing."""
    monkeypatch.setenv("NITROPILOT_PAD_LIBRARY", named)
    with pytest.raises(ShimError, match="is no file's full path"):
        build_shim()
    assert {one.name: one.available for one in controller.gamepad_reports()}["sdl"] is False


def test_a_ready_library_that_others_can_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Games run it with the player's rights."""
    library = tmp_path / "pad.so"
    library.write_bytes(b"")
    library.chmod(0o666)
    monkeypatch.setenv("NITROPILOT_PAD_LIBRARY", str(library))
    with pytest.raises(ShimError, match="could be changed by other users"):
        build_shim()
