"""``doctor`` says "ready" only where a picture of a game can be had."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nitropilot.capture import Frame, GrabFailed
from nitropilot.capture.sight import knows_processes
from nitropilot.controller.pads.preload import narrow_library
from nitropilot.controller.pads.shim_build import READY_VARIABLE, find_compiler
from nitropilot.engines import speeds
from nitropilot.server.host import doctor
from nitropilot.server.host.doctor import can_play
from nitropilot.server.host.findings import Finding, Level
from nitropilot.server.host.trials import try_game, wrong_colours
from nitropilot.simulator.arcade.paint.sky import SKY
from tests.server.conftest import needs_preload
from tests.server.processes import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="displays are X11's")


def sight_of(monkeypatch: pytest.MonkeyPatch, display: str | None, xvfb: bool) -> Finding:
    """The finding about capture with this display, where Xvfb is or is not installed."""
    if display is None:
        monkeypatch.delenv("DISPLAY", raising=False)
    else:
        monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/Xvfb" if xvfb else None)
    (finding,) = doctor._capture()
    return finding


def test_a_display_that_cannot_be_opened_stops_play(monkeypatch: pytest.MonkeyPatch) -> None:
    """Launched games go onto it, too: a note, and "Ready to play", were wrong."""
    finding = sight_of(monkeypatch, ":987", xvfb=True)
    assert finding.level is Level.PROBLEM
    assert not can_play([finding])


def test_engines_are_shown_with_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both figures: who asks for the other precision knows what it costs."""
    pytest.importorskip("openvino")
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path))
    took = {"openvino": {"float32": 744.0, "bfloat16": 463.0}, "torch": {"float32": 1200.0}}
    monkeypatch.setattr(
        speeds, "_measure_apart", lambda: json.dumps({"chunk_ms": took, "settled": True})
    )
    speeds.forget()
    try:
        found = {finding.name: finding.detail for finding in doctor._engines()}
    finally:
        speeds.forget()
    assert "takes about 463 ms, in float32 744" in found["engine openvino on cpu"]
    assert "takes about 1200 ms" in found["engine torch on cpu"]


@pytest.mark.parametrize("why", ["XWayland's", "black"])
def test_black_windows_stop_play(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """A list of windows that nobody can see into is no sight."""

    def blind() -> str:
        raise GrabFailed(why, "log in to an X11 session")

    monkeypatch.setattr(doctor, "check_sight", blind)
    finding = sight_of(monkeypatch, ":0", xvfb=True)
    assert (finding.level, finding.detail) == (Level.PROBLEM, why)
    assert finding.hint
    assert not can_play([finding])


@pytest.mark.parametrize(("xvfb", "level"), [(True, Level.NOTE), (False, Level.PROBLEM)])
def test_without_a_display_games_have_one_of_their_own(
    monkeypatch: pytest.MonkeyPatch, xvfb: bool, level: Level
) -> None:
    """Over SSH and in containers launched games are played and seen."""
    assert sight_of(monkeypatch, None, xvfb).level is level


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody can write")
def test_a_home_that_cannot_be_written_stops_play(
    tmp_path: Path, x_display: PrivateDisplay
) -> None:
    """The first play would have failed, after "Ready to play"; a cache has a substitute."""
    nowhere = {"NITROPILOT_CONFIG": "", "NITROPILOT_DATA": "", "NITROPILOT_CACHE": ""}
    done = command(
        "doctor", "--json", home=tmp_path, display=x_display.name,
        HOME="/sys", TMPDIR=str(tmp_path), **nowhere,
    )  # fmt: skip
    assert done.returncode == 1
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    for name in ("settings", "data", "recordings"):
        check = checks[f"folder {name}"]
        assert check["level"] == "problem"
        assert "/sys/" in check["detail"]
        assert check["hint"]
    assert checks["folder cache"]["level"] == "note"
    assert str(tmp_path) in checks["folder cache"]["detail"]


def test_a_pad_that_does_nothing_stops_play(
    tmp_path: Path, x_display: PrivateDisplay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library that is loaded and gives the game no pad: only trying finds that."""
    needs_preload()
    source, library = tmp_path / "empty.c", tmp_path / "empty.so"
    source.write_text("int nothing;")
    subprocess.run([find_compiler() or "cc", "-shared", "-o", library, source], check=True)
    library.chmod(0o755)
    monkeypatch.setattr("nitropilot.agent.target.effect.WALK_S", 0.5)
    monkeypatch.setenv("DISPLAY", x_display.name)
    monkeypatch.setenv(READY_VARIABLE, str(library))
    trials = {finding.name: finding for finding in try_game(Level.PROBLEM)}
    assert trials["trial picture"].level is Level.OK
    assert trials["trial pad"].level is Level.PROBLEM
    assert trials["trial pad"].hint


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines have one width")
def test_32_bit_games_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old game that stands still while it is "played" says why to nobody else."""
    needs_preload()

    def found() -> Finding:
        return next(each for each in doctor._compiler() if each.name == "32-bit games")

    real = find_compiler()
    if narrow_library() is not None:
        assert found().level is Level.OK
    wrapper = tmp_path / "cc"
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in *-m32*) exit 1;; esac\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("CC", str(wrapper))
    assert found().level is Level.NOTE
    assert "gcc-multilib" in found().hint


def test_wrong_colours_are_noticed() -> None:
    """What covers the game, or a depth that is read wrongly, shows other pixels."""
    good = np.full((8, 8, 3), SKY, np.uint8)
    assert wrong_colours(Frame(good, 0.0, 0)) == ""
    swapped = wrong_colours(Frame(np.ascontiguousarray(good[..., ::-1]), 0.0, 0))
    assert "(220, 148, 92)" in swapped


def test_a_server_that_does_not_know_whose_a_window_is() -> None:
    """Without X-Resource some games have no process to pause: that is to be said before."""
    with xvfb("800x600x24", "-extension", "X-Resource") as name:
        assert not knows_processes(name)


@pytest.mark.parametrize("depth", [8, 30])
def test_a_depth_that_cannot_be_read_stops_play(
    depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Games start there, or fail to with words of their own; the picture is the reason."""
    with xvfb(f"800x600x{depth}") as name:
        monkeypatch.setenv("DISPLAY", name)
        (finding,) = doctor._capture()
        assert finding.level is Level.PROBLEM
        assert f"depth of {depth} bits" in finding.detail
        assert "24" in finding.hint
        (skipped,) = doctor._trial([finding])
        assert "not tried" in skipped.detail


@contextmanager
def xvfb(screen: str, *options: str) -> Iterator[str]:
    """The name of an X server with this screen."""
    program = shutil.which("Xvfb")
    assert program, "Xvfb is not installed"
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        [program, "-displayfd", str(write_end), "-screen", "0", screen, "-noreset", *options],
        pass_fds=[write_end], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write_end)
    try:
        with os.fdopen(read_end) as answer:
            yield f":{answer.readline().strip()}"
    finally:
        server.kill()
        server.wait()


def test_wayland_is_said_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was promised that games in XWayland can be captured: they are black."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    notes = {finding.name: finding for finding in doctor._display()}
    assert "cannot be captured" in notes["wayland"].detail
    assert "X11" in notes["wayland"].hint
