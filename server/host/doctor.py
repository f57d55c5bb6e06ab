"""Checks of this machine: what works, what does not, and what to do about it."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

from nitropilot.agent.session.familiar import listed
from nitropilot.capture import check_sight
from nitropilot.capture.sight import LEAVE_WAYLAND, knows_processes
from nitropilot.children import find_program
from nitropilot.policy.naming import DEFAULT, SHIPPED
from nitropilot.server.host.findings import Finding, Level, attempt
from nitropilot.server.host.trials import try_game, try_writing
from nitropilot.simulator.games.recipes import installed

if TYPE_CHECKING:
    from collections.abc import Callable


def examine(tell: Callable[[str], object] = lambda _doing: None) -> list[Finding]:
    """Run every check.  What can be tried is tried, and leaves nothing behind.

    Args:
        tell: Told what is being done, before it is done.
    """
    findings: list[Finding] = []
    for doing, check in (
        ("looking at the display", _display),
        ("taking pictures of windows", _capture),
        ("looking for pads", _pads),
        ("pausing a process", _pauser),
        ("looking for a compiler", _compiler),
        ("looking for engines", _engines),
        ("reading the policy that comes along", _policy),
        ("looking for a graphics card", _gpu),
        ("looking for games", _game),
        ("looking for anti-cheat systems", _fair_play),
        ("looking for people's pads and hotkeys", _people),
        ("writing where play writes", try_writing),
    ):
        tell(doing)
        findings.extend(check())
    tell("playing a little game of our own: its window shows for some seconds")
    return [*findings, *_trial(findings)]


def can_play(findings: list[Finding]) -> bool:
    """Whether nothing found stops play."""
    return all(finding.level is not Level.PROBLEM for finding in findings)


def _trial(findings: list[Finding]) -> list[Finding]:
    """Play for real, if what was found so far does not say already that it cannot work."""
    if any(f.name in ("display", "capture") and f.level is Level.PROBLEM for f in findings):
        hint = "mend the problems above first"
        return [Finding("trial game", Level.NOTE, "not tried: no picture can be had", hint)]
    others = [f for f in findings if f.name.startswith("pad ") and f.name != "pad sdl"]
    spare = any(f.level is Level.OK for f in others) and sys.platform != "win32"
    sdl = any(f.name == "pad sdl" and f.level is Level.OK for f in findings)
    return try_game(Level.NOTE if spare and not sdl else Level.PROBLEM)


def _display() -> list[Finding]:
    if sys.platform == "win32":
        findings = [Finding("display", Level.OK, "the Windows desktop")]
    elif display := os.environ.get("DISPLAY"):
        findings = [Finding("display", Level.OK, f"DISPLAY is {display}")]
    elif find_program("Xvfb"):
        detail = "DISPLAY is not set; games can be launched in a private Xvfb"
        findings = [Finding("display", Level.NOTE, detail, "start from a graphical session")]
    else:
        detail = "DISPLAY is not set, and Xvfb is not installed"
        findings = [Finding("display", Level.PROBLEM, detail, "apt-get install xvfb")]
    if os.environ.get("WAYLAND_DISPLAY"):
        detail = "this is a Wayland session: its windows cannot be captured, XWayland's neither"
        findings.append(Finding("wayland", Level.NOTE, detail, LEAVE_WAYLAND))
    return findings


def _capture() -> list[Finding]:
    """A picture of a window.  Without a display launched games have one of their own."""
    unseen = sys.platform != "win32" and not os.environ.get("DISPLAY")
    bad = Level.NOTE if unseen and find_program("Xvfb") else Level.PROBLEM
    seen = attempt("capture", check_sight, bad)
    if seen.level is not Level.OK or knows_processes():
        return [seen]
    detail = "this X server does not say whose a window is: games that do not either are refused"
    hint = "play on a server with the X-Resource extension (X.Org and Xvfb have it)"
    return [seen, Finding("processes", Level.NOTE, detail, hint)]


def _pads() -> list[Finding]:
    from nitropilot.controller import gamepad_reports

    reports = gamepad_reports()
    bad = Level.NOTE if any(report.available for report in reports) else Level.PROBLEM
    return [
        Finding(f"pad {r.name}", Level.OK if r.available else bad, r.reason, r.hint)
        for r in reports
    ]


def _pauser() -> list[Finding]:
    """Pause and resume a process of our own, for real."""
    from nitropilot.controller import Pauser

    def try_it() -> str:
        command = [sys.executable, "-P", "-c", "import time; time.sleep(60)"]
        with subprocess.Popen(command) as child:
            try:
                with Pauser(child.pid) as pauser:
                    pauser.freeze()
            finally:
                child.kill()
        return "a process was paused and resumed"

    return [attempt("pauser", try_it, Level.PROBLEM)]


def _compiler() -> list[Finding]:
    findings: list[Finding] = []
    if sys.platform != "win32":
        from nitropilot.controller.pads.shim_build import READY_VARIABLE, find_compiler

        if os.environ.get(READY_VARIABLE):
            return []  # none is needed; the pad's own finding tells of the library
        detail = "no C compiler: no pad for launched games"
        hint = "install one (Debian, Ubuntu: apt-get install gcc libc6-dev)"
        compiler = find_compiler()
        findings.append(
            Finding("compiler", Level.OK, compiler)
            if compiler is not None
            else Finding("compiler", Level.NOTE, detail, hint)
        )
        if compiler is not None and platform.machine() == "x86_64":
            findings.append(_narrow_games())
    return findings


def _narrow_games() -> Finding:
    """Old games, and those that only ever were built for 32 bits."""
    from nitropilot.controller.pads.preload import narrow_library

    if narrow_library() is not None:
        return Finding("32-bit games", Level.OK, "they get a pad and a clock like others")
    detail = "nothing can be compiled for them: when launched they get no pad and no clock"
    return Finding("32-bit games", Level.NOTE, detail, "apt-get install gcc-multilib")


def _engines() -> list[Finding]:
    from nitropilot.engines import engine_reports

    reports = engine_reports()
    bad = Level.NOTE if any(report.available for report in reports) else Level.PROBLEM
    return [
        Finding(f"engine {r.name}", Level.OK if r.available else bad, r.reason, r.hint)
        for r in reports
    ]


def _policy() -> list[Finding]:
    """The policy that plays where none is named: whether it is whole."""
    from nitropilot.policy.shipped.card import require_described

    def look() -> str:
        card = require_described(SHIPPED[DEFAULT])
        return f"{card.name}, trained on {listed(card.trained_on)}, plays where none is named"

    return [attempt("policy", look, Level.PROBLEM)]


def _gpu() -> list[Finding]:
    if importlib.util.find_spec("torch") is None:
        return []  # the engine's finding says so
    import torch

    if torch.cuda.is_available():
        name = torch.cuda.get_device_name(0)
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return [Finding("gpu", Level.OK, f"{name}, {memory:.0f} GiB")]
    detail = f"torch {torch.__version__} finds no CUDA device: policies run on the processor"
    return [Finding("gpu", Level.NOTE, detail, "with an NVIDIA card: install CUDA builds of torch")]


def _game() -> list[Finding]:
    if installed("supertux"):
        return [Finding("demo game", Level.OK, "SuperTux")]
    detail = "SuperTux is not installed: the demo plays a game of our own"
    return [Finding("demo game", Level.NOTE, detail, "apt-get install supertux")]


def _fair_play() -> list[Finding]:
    """Anti-cheat systems that run now; they stop only games that they protect."""
    from nitropilot.agent.fair_play.judging import always_on

    found = always_on()
    if not found:
        return [Finding("fair play", Level.OK, "no known anti-cheat system runs")]
    hint = "its games are refused; end it before you play others, if you are not sure"
    return [
        Finding("fair play", Level.NOTE, f"{one.protection.name} runs: {one.how}", hint)
        for one in found
    ]


def _people() -> list[Finding]:
    """How people can take over: pads of their own, and hotkeys of the daemon."""
    from nitropilot.controller.human.hotkeys import hotkey_report
    from nitropilot.controller.human.reader import human_report

    pads, keys = human_report(), hotkey_report()
    return [
        Finding(name, Level.OK if one.available else Level.NOTE, one.reason, one.hint)
        for name, one in (("human takeover", pads), ("hotkeys", keys))
    ]
