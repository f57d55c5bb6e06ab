"""``doctor`` says "ready" only where a picture of a game can be had."""

from __future__ import annotations

import shutil
import sys

import pytest

from nitropilot.capture import GrabFailed
from nitropilot.server.host import doctor
from nitropilot.server.host.doctor import Finding, Level, can_play

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


def test_wayland_is_said_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was promised that games in XWayland can be captured: they are black."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    notes = {finding.name: finding for finding in doctor._display()}
    assert "cannot be captured" in notes["wayland"].detail
    assert "X11" in notes["wayland"].hint
