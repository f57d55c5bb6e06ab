"""Which games of a suite are missing here, and the command that installs them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from nitropilot.children import find_program
from nitropilot.simulator.benchmark.runner.errors import CannotInstall
from nitropilot.simulator.benchmark.runner.suites import choose_tasks
from nitropilot.simulator.games.known import KNOWN_GAMES
from nitropilot.simulator.games.recipes import installed
from nitropilot.simulator.games.versions import installed_version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nitropilot.simulator.games.known import KnownGame


def games_of(suite: str, games: Iterable[str] = ()) -> list[KnownGame]:
    """The games of a suite, or some of them, that do not come with NitroPilot.

    Raises:
        UnknownSuite, UnknownTask: There is none of that name.
    """
    names = dict.fromkeys(task.game for task in choose_tasks(suite, games))
    found = [KNOWN_GAMES[name] for name in names if name in KNOWN_GAMES]
    return [game for game in found if game.packages]


def missing(games: Iterable[KnownGame]) -> list[KnownGame]:
    """Those that cannot be started here."""
    return [game for game in games if not installed(game.name)]


def untested(games: Iterable[KnownGame]) -> list[str]:
    """Those that are installed in a version that their tasks were not tried with, a line each."""
    there = [(game, installed_version(game)) for game in games if installed(game.name)]
    return [
        f"{game.title} {found or 'of an unknown version'} is installed, and its tasks were tried "
        f"with {', '.join(game.tried)}: it cannot be played in the benchmark"
        for game, found in there
        if found not in game.tried
    ]


def command(games: Iterable[KnownGame]) -> list[str]:
    """What installs them, as root or through sudo.

    Raises:
        CannotInstall: There is no apt here, or no way to be root; the hint has the packages.
    """
    packages = sorted({package for game in games for package in game.packages})
    hint = f"install {' '.join(packages)} yourself"
    apt = find_program("apt-get")
    if apt is None:
        raise CannotInstall("games are installed with apt-get, and there is none here", hint)
    words = [apt, "install", "--yes", *packages]
    if sys.platform != "win32" and os.geteuid() == 0:
        return words
    sudo = find_program("sudo")
    if sudo is None:
        raise CannotInstall("apt-get has to be run by root, and there is no sudo here", hint)
    return [sudo, *words]
