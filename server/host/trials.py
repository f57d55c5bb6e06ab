"""What ``doctor`` really does, because nothing else shows that it works: play, and write."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.agent.target.effect import measure_effect
from nitropilot.agent.target.recipe import Target
from nitropilot.agent.target.taking import open_game
from nitropilot.errors import NitroPilotError
from nitropilot.places import cache_root, user_cache
from nitropilot.server.host.findings import Finding, Level
from nitropilot.server.store.paths import config_folder, data_folder
from nitropilot.server.store.recordings import RecordingStore
from nitropilot.server.store.settings_store import SettingsStore
from nitropilot.simulator.arcade.paint.sky import SKY
from nitropilot.simulator.games.recipes import find_recipe

if TYPE_CHECKING:
    from nitropilot.agent.target.game import Game
    from nitropilot.capture import Frame

GAME = "runner"
NEAR = 8
"""Steps (of 256) by which a channel may differ from what was painted."""
ENOUGH = 0.1
"""Share of the game's picture that must be its sky; more than half of it is."""
WATCH_S = 0.4
SEE_YOURSELF = "see what it says: python -m nitropilot.simulator.arcade.runner"
UNCOVER = (
    "keep other windows, screen lockers and compositors off the game, and set the display to a "
    "depth of 24 bits"
)
TRY_AGAIN = "unset NITROPILOT_PAD_LIBRARY, CC and LD_PRELOAD, try again, then report this"


def try_game(bad: Level) -> list[Finding]:
    """Launch our own little game, look at its picture, and hold its stick: for some seconds.

    Where there is a display, its window shows there meanwhile.

    Args:
        bad: How grave it is if that does not work.
    """
    if importlib.util.find_spec("pygame") is None:
        return [
            Finding("trial", Level.NOTE, "not tried: our own game needs pygame",
                    "pip install pygame-ce")
        ]  # fmt: skip
    headless = None if sys.platform == "win32" else not os.environ.get("DISPLAY")
    target = Target(launch=find_recipe(GAME), headless=headless, keep=False)
    with tempfile.TemporaryDirectory(prefix="nitropilot-doctor-") as folder:
        try:
            game = open_game(target, log=Path(folder) / "game.log")
        except NitroPilotError as error:
            hint = "" if folder in error.hint else error.hint  # the log is gone by then
            return [Finding("trial game", bad, str(error), hint or SEE_YOURSELF)]
        try:
            return _look_and_press(game, bad)
        except NitroPilotError as error:
            return [Finding("trial game", bad, str(error), error.hint)]
        finally:
            game.close()


def _look_and_press(game: Game, bad: Level) -> list[Finding]:
    """Whether its picture is what it paints, and moves with the stick."""
    wrong = wrong_colours(game.grab())
    game.controls.arm()
    effect = measure_effect(game, WATCH_S)
    pixels = Finding("trial picture", Level.OK, "its picture has the colours that it paints")
    pad = Finding("trial pad", Level.OK, f"{effect.held:.0%} of it moved with the stick held")
    if wrong:
        pixels = Finding("trial picture", bad, wrong, UNCOVER)
    if not effect.changed:
        why = f": {game.pad_warning}" if game.pad_warning else ""
        detail = f"holding the stick moved {effect.held:.0%} of its picture{why}"
        pad = Finding("trial pad", bad, detail, TRY_AGAIN if why else UNCOVER)
    return [Finding("trial game", Level.OK, "our own game was launched"), pixels, pad]


def wrong_colours(frame: Frame) -> str:
    """What is wrong with a picture of our own game; or ""."""
    pixels = frame.pixels
    near = np.abs(pixels.astype(np.int16) - np.array(SKY, np.int16)).max(axis=2) <= NEAR
    share = float(near.mean())
    if share >= ENOUGH:
        return ""
    seen = tuple(int(value) for value in np.median(pixels.reshape(-1, 3), axis=0))
    return f"our own game paints its sky {SKY}, and its picture is mostly {seen}"


def try_writing() -> list[Finding]:
    """Write a file wherever play, recordings and settings do, and remove it again."""
    findings = []
    for name, folder, hint in (
        ("settings", config_folder, "name a folder that you can write to in NITROPILOT_CONFIG"),
        ("data", data_folder, "name a folder that you can write to in NITROPILOT_DATA"),
        ("recordings", _recordings, "name another: nitropilot settings set recording.folder PATH"),
    ):
        try:
            place = folder()
            trouble = cannot_write(place)
        except NitroPilotError as error:
            findings.append(Finding(f"folder {name}", Level.PROBLEM, str(error), error.hint))
            continue
        if trouble:
            detail = f"cannot write in {place}: {trouble}"
            findings.append(Finding(f"folder {name}", Level.PROBLEM, detail, hint))
        else:
            findings.append(Finding(f"folder {name}", Level.OK, f"{place} can be written"))
    return [*findings, _cache()]


def cannot_write(folder: Path) -> str:
    """Why no file can be made in a folder, or in where it would be made; or ""."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.NamedTemporaryFile(prefix=".nitropilot-doctor-", dir=there) as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _recordings() -> Path:
    settings = SettingsStore().current
    return RecordingStore(lambda: settings).root


def _cache() -> Finding:
    """One that cannot be written has a substitute, which a restart of the machine empties."""
    wanted = user_cache()
    used = cache_root(wanted)
    if used == wanted:
        return Finding("folder cache", Level.OK, f"{used} can be written")
    place = wanted or "a home folder, there is none"
    detail = f"cannot write in {place}: {used} is used, and policies are compiled anew some day"
    hint = "name a folder that you can write to in NITROPILOT_CACHE"
    return Finding("folder cache", Level.NOTE, detail, hint)
