"""Respect for other players: what must not be played, and how that is noticed.

A game with an anti-cheat system is meant for people who play against each other.  Pausing it
or pressing its buttons from a program breaks the rules that they agreed to, and ends in bans.
So before NitroPilot takes hold of a game it looks

* at the programs of its process tree, and those that started it, by name;
* at the files that the tree has loaded;
* at the names beside the game's program and in the folders above it, as far as they are the
  game's own (``agent.fair_play.files``), without reading any file;
* at the game's own name, for games that show nothing else.

One hit refuses the game; there is no override.  Anti-cheat services that run all the time
(Vanguard, FACEIT) say nothing about this game: they refuse only the games that the table lists
for them, and are otherwise mentioned by ``nitropilot doctor``.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from nitropilot.agent.errors import ProtectedGame
from nitropilot.agent.fair_play.files import (
    folders_of,
    holds_many_games,
    loaded_files,
    names_in,
)
from nitropilot.agent.fair_play.protections import PROTECTIONS
from nitropilot.controller.processes import descendants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nitropilot.agent.fair_play.protections import Protection

log = logging.getLogger("nitropilot.fair_play")

HINT = "NitroPilot plays single-player games without anti-cheat only; this cannot be overridden"


@dataclass(frozen=True)
class Evidence:
    """What gave a protection away.

    Attributes:
        protection: Which.
        how: Where it showed, with the name that was found.
    """

    protection: Protection
    how: str


def refuse_protected(pid: int | None) -> None:
    """Raise if the game of process ``pid`` must not be played; None, unknown, says nothing.

    Raises:
        ProtectedGame: It has an anti-cheat system, or is online only.
    """
    if pid is not None:
        _refuse(next(evidence_of(pid), None), f"process {pid}")


def refuse_protected_program(program: str, arguments: Iterable[str] = ()) -> None:
    """Raise if a program that is about to be started must not be played.

    Raises:
        ProtectedGame: An anti-cheat system lies beside it, or it is a game that has one.
    """
    words = list(arguments)
    found = _by_game([program], words) or _by_folder(
        folders_of(program, words, None, str(Path.cwd()))
    )
    _refuse(found, program)


def always_on() -> list[Evidence]:
    """Anti-cheat systems that run on this machine now, whatever is played."""
    running = {name: f"the program {name} runs" for name in _program_names()}
    running |= {name: f"the service {name} runs" for name in _service_names()}
    found = []
    for protection in PROTECTIONS:
        wanted = protection.programs | protection.services
        if hit := next((name for name in sorted(wanted) if name in running), None):
            found.append(Evidence(protection, running[hit]))
    return found


def evidence_of(pid: int) -> Iterator[Evidence]:
    """All that speaks against playing a process, the cheapest to find first."""
    try:
        game = psutil.Process(pid)
        line = game.parents()
    except psutil.Error:
        return  # it has ended, and who takes hold of it will say so
    tree = [game, *_processes(descendants(pid))]
    for process in tree:
        if found := _by_game(_names_of(process), _arguments(process)):
            yield found
    for process in (*tree, *line):
        if found := _by_program(process):
            yield found
    for process in tree:
        if found := _by_loaded(loaded_files(process.pid)):
            yield found
    if found := _by_folder(folders_of(_program(game), _arguments(game), game.pid, _cwd(game))):
        yield found


def _refuse(found: Evidence | None, what: str) -> None:
    if found is None:
        return
    protection = found.protection
    log.info("refused %s: %s (%s)", what, protection.name, found.how)
    raise ProtectedGame(
        f"this game is protected by {protection.name}, {protection.what}: {found.how}", HINT
    )


def _by_game(programs: Iterable[str], arguments: list[str]) -> Evidence | None:
    names = {_base(program) for program in programs}
    for protection in PROTECTIONS:
        if protection.off_switch and protection.off_switch in arguments:
            continue
        if hits := names & protection.games:
            return Evidence(protection, f"{min(hits)} is one of its games")
    return None


def _by_program(process: psutil.Process) -> Evidence | None:
    names = {_base(name) for name in _names_of(process)}
    for protection in PROTECTIONS:
        if hits := names & protection.programs:
            return Evidence(protection, f"its program {min(hits)} runs with the game")
    return None


def _by_loaded(files: Iterable[str]) -> Evidence | None:
    names = {_base(file) for file in files}
    for protection in PROTECTIONS:
        if hits := names & protection.files:
            return Evidence(protection, f"the game has loaded {min(hits)}")
    return None


def _by_folder(homes: Iterable[list[Path]]) -> Evidence | None:
    for folders in homes:
        for height, folder in enumerate(folders, 1):
            found = _in_folder(folder)
            if found and not any(holds_many_games(one) for one in folders[:height]):
                return found
    return None


def _in_folder(folder: Path) -> Evidence | None:
    names = {name.lower() for name in names_in(folder)}
    for protection in PROTECTIONS:
        if hits := names & protection.files:
            return Evidence(protection, f"{min(hits)} lies in {folder}")
    return None


def _base(path: str) -> str:
    """The last part of a path of either system, in lower case."""
    return path.replace("\\", "/").rpartition("/")[2].lower()


def _processes(pids: Iterable[int]) -> Iterator[psutil.Process]:
    for pid in pids:
        try:
            yield psutil.Process(pid)
        except psutil.Error:
            continue


def _names_of(process: psutil.Process) -> list[str]:
    """The names that a process goes by; under Wine the Windows program is the first word."""
    return [name for name in (_name(process), _program(process), *_arguments(process)[:1]) if name]


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return ""


def _program(process: psutil.Process) -> str:
    try:
        return process.exe()
    except (psutil.Error, OSError):
        return ""


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.Error, OSError):
        return []


def _cwd(process: psutil.Process) -> str:
    try:
        return process.cwd()
    except (psutil.Error, OSError):
        return ""


def _program_names() -> set[str]:
    return {_base(name) for process in psutil.process_iter() for name in _names_of(process)}


def _service_names() -> set[str]:
    names: set[str] = set()
    if sys.platform == "win32":
        for service in psutil.win_service_iter():
            try:
                if service.status() == "running":
                    names.add(service.name().lower())
            except psutil.Error:
                continue
    return names
