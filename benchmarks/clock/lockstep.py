"""How fast lockstep is: SuperTux in steps against alone, and the trap program against true time.

    python -m benchmarks.clock.lockstep [--json] [--rounds 6] [--seconds 4] [--traps 4]
        [--digest] [--no-settle]

SuperTux stands in its first level, in a private display.  Steps through its hand, steps by a page
that this process writes itself, and free time take turns in one process, so that all have the same
scene and the same neighbours; a turn's figures are pictures a second, and milliseconds of the
processor a picture.  The trap program
(``tests/controller/clock/traps.c``) runs from its start to its end, in lockstep and in true time in
turns.  Targets: at least 90 % of SuperTux's own speed; traps as fast as in true time.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.controller.clock.clock_page import ClockPage
from nitropilot.controller.clock.layout import CLOCK_VARIABLE
from nitropilot.controller.errors import ProcessGone
from nitropilot.controller.hand.step_hand import StepHand
from nitropilot.controller.pads.pad_page import PadPage
from nitropilot.controller.pads.sdl_pad import launch_environment
from nitropilot.controller.pads.shim_build import build_shim, find_compiler
from nitropilot.controller.state import NEUTRAL, Button, GamepadState
from tests.support.places import ROOT

LEVEL = "/usr/share/games/supertux2/levels/world1/welcome_antarctica.stl"
EPOCH = 1
WAYS = ("hand", "page", "free")
TITLE_STEPS = 150
"""After which the level is played and nothing moves but what lives in it."""


def environment(page: ClockPage, display: PrivateDisplay) -> dict[str, str]:
    """Of a program in that display whose time is on ``page``."""
    return {
        **os.environ, "LD_PRELOAD": str(build_shim()), CLOCK_VARIABLE: str(page.path),
        "DISPLAY": display.name, "SDL_VIDEODRIVER": "x11", "SDL_AUDIODRIVER": "dummy",
        "ALSOFT_DRIVERS": "null", "LIBGL_ALWAYS_SOFTWARE": "1",
    }  # fmt: skip


class Turns:
    """SuperTux at the start of a level, by steps or freely, as often as is asked for."""

    def __init__(self, game: subprocess.Popen[bytes], page: ClockPage, hand: StepHand) -> None:
        self._game, self._page, self._hand = game, page, hand
        self._process = psutil.Process(game.pid)
        hand.arm(EPOCH)
        hand.stand(EPOCH, 300)
        for step in range(TITLE_STEPS):
            pressed = step < TITLE_STEPS - 50 and step // 8 % 2 == 0
            hand.step(EPOCH, GamepadState(buttons=Button.A) if pressed else NEUTRAL)

    def _effort(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _begin(self, way: str) -> None:
        self._hand.release()
        self._page.run()
        if way == "hand":
            self._hand.arm(EPOCH)
            self._hand.stand(EPOCH, 300)
        elif way == "page":
            self._page.lockstep()
            self._page.wait_ready(300)
        else:
            time.sleep(0.5)  # it makes up for nothing that the turn before cost

    def _go_on(self, way: str) -> None:
        if way == "hand":
            self._hand.step(EPOCH, NEUTRAL, timeout=300)
        elif way == "page":
            self._page.step(timeout=300, alive=lambda: self._game.poll() is None)
        else:
            time.sleep(0.01)

    def take(self, seconds: float, way: str) -> tuple[float, float]:
        """Pictures a second, and the processor's milliseconds a picture."""
        self._begin(way)
        began, effort, pictures = time.monotonic(), self._effort(), self._page.status().pictures
        while time.monotonic() - began < seconds:
            self._go_on(way)
        shown = self._page.status().pictures - pictures
        wall, effort = time.monotonic() - began, self._effort() - effort
        return shown / wall, effort * 1000 / shown


def supertux(
    display: PrivateDisplay, rounds: int, seconds: float, digest: bool, settle: bool
) -> list[dict[str, float]]:
    """A row for each round: steps and pictures a second, their ratios, efforts."""
    program = shutil.which("supertux2") or shutil.which("supertux2", path="/usr/games")
    if program is None:
        raise SystemExit("SuperTux is not installed: apt-get install supertux")
    page, pad = ClockPage.create(lockstep=True, seed=7, digest=digest, settle=settle), None
    rows = []
    try:
        with tempfile.TemporaryDirectory() as home:
            pad = PadPage.create()
            (Path(home) / "run").mkdir(mode=0o700)
            own = {**environment(page, display), **launch_environment(pad)}
            own |= {"HOME": home, "XDG_RUNTIME_DIR": f"{home}/run"}
            game = subprocess.Popen(
                [program, "--userdir", home, "-w", "-g", "320x240", "--disable-sound",
                 "--disable-music", LEVEL],
                env=own, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                with ExitStack() as undo:
                    hand = StepHand.start(game.pid, page=pad.path, clock=page.path, stays=True)
                    undo.callback(hand.close)
                    turns = Turns(game, page, hand)
                    for number in range(rounds):
                        ways = WAYS if number % 2 == 0 else WAYS[::-1]
                        rows.append(row_of({way: turns.take(seconds, way) for way in ways}))
            finally:
                game.kill()
                game.wait()
    finally:
        for each in (page, pad):
            if each is not None:
                each.close()
                each.unlink()
    return rows


def row_of(turns: dict[str, tuple[float, float]]) -> dict[str, float]:
    """One round's figures."""
    (steps, effort), (direct, _), (free, free_effort) = (turns[way] for way in WAYS)
    return {
        "steps": steps, "direct": direct, "free": free, "ratio": steps / free,
        "of_direct": steps / direct, "cpu_ms": effort, "free_cpu_ms": free_effort,
    }  # fmt: skip


def traps(program: Path, display: PrivateDisplay, lockstep: bool) -> float:
    """Seconds from its start to its end."""
    page = ClockPage.create(lockstep=lockstep, seed=1)
    began = time.monotonic()
    child = subprocess.Popen([program], env=environment(page, display), stdout=subprocess.DEVNULL)
    try:
        while lockstep:
            page.step(timeout=300, alive=lambda: child.poll() is None)
    except ProcessGone:
        pass
    finally:
        if lockstep:
            child.kill()
        child.wait()
        page.close()
        page.unlink()
    return time.monotonic() - began


def compile_traps(folder: Path) -> Path:
    """The trap program, in that folder."""
    source = ROOT / "tests/controller/clock/traps.c"
    command = [*shlex.split(find_compiler() or "cc"), "-O1", "-w", source, "-o", folder / "traps"]
    subprocess.run([*command, "-l:libSDL2-2.0.so.0", "-lpthread"], check=True)
    return folder / "traps"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--traps", type=int, default=4)
    parser.add_argument("--digest", action="store_true")
    parser.add_argument("--no-settle", action="store_true")
    options = parser.parse_args()
    display = PrivateDisplay.start((1280, 720))
    try:
        rows = supertux(
            display, options.rounds, options.seconds, options.digest, not options.no_settle
        )
        with tempfile.TemporaryDirectory() as folder:
            program = compile_traps(Path(folder))
            pairs = [
                {way: traps(program, display, way == "lockstep") for way in ("lockstep", "free")}
                for _ in range(options.traps)
            ]
    finally:
        display.close()
    if options.json:
        print(json.dumps({"supertux": rows, "traps_seconds": pairs}, indent=2))
        return
    load = os.getloadavg()[0]
    print(f"SuperTux, turns of {options.seconds:g} s (target: ratio .9); load average {load:.1f}")
    for row in [*rows, {key: statistics.median(row[key] for row in rows) for key in rows[0]}]:
        print("  " + "  ".join(f"{key} {value:6.2f}" for key, value in row.items()))
    print("  (the last row: medians)")
    print("traps, seconds (target: lockstep as fast as free)")
    for pair in pairs:
        print("  " + "  ".join(f"{way} {seconds:.2f}" for way, seconds in pair.items()))


if __name__ == "__main__":
    main()
