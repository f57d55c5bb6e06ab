"""Put right what a process that died left of a game: what is frozen runs, what was made goes.

Every command does it when it starts, a game's hand when its daemon dies, and ``nitropilot release``
when it is asked to.
"""

from __future__ import annotations

import shutil
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from nitropilot.controller.errors import GameTaken
from nitropilot.controller.ledger.entry import Entry, world
from nitropilot.controller.ledger.places import entries
from nitropilot.controller.processes import (
    DISPLAY_VARIABLE,
    END_ROUNDS,
    LAUNCH_VARIABLE,
    birth,
    end_all,
    marked,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

PROFILE_PREFIX = "nitropilot-profile-"
PAGE_PREFIX = "nitropilot-pad-"
CLOCK_LEASE = 72
"""Where in a clock's page its lease stands (``controller.clock.layout``)."""
FOLDER_SUFFIX = ".input"
"""Of the folder beside a page, which the game takes for /dev/input."""


def heal_all() -> list[str]:
    """Heal every entry whose writer is gone; what was done, a line each.  Never raises."""
    done: list[str] = []
    for path in entries():
        try:
            entry = Entry.take(path)
            if entry is None:
                continue
            try:
                said, over = heal(entry.facts)
            except BaseException:
                entry.close()
                raise
            done += said
            (entry.remove if over else entry.close)()
        except GameTaken:
            continue
        except Exception as error:  # noqa: BLE001 - one keeps no other from being healed
            done.append(f"{path} could not be read ({error}): remove it")
    return done


def living() -> list[str]:
    """What living processes of ours hold, a line each."""
    found: list[str] = []
    for path in entries():
        try:
            entry = Entry.take(path)
            if entry is not None:
                entry.close()
        except GameTaken as taken:
            if "game" in taken.facts:
                found.append(f"game process {taken.facts['game']}: {taken}")
        except OSError:
            continue
    return found


def heal(facts: dict[str, Any]) -> tuple[list[str], bool]:
    """Heal what one entry tells of.

    Returns:
        What was done, a line each; and whether the entry may go.
    """
    done: list[str] = []
    if any(facts.get(name) != value for name, value in world().items()):
        if facts.get("boot") == world()["boot"]:
            return [], False  # another container's ids mean nothing here
        facts = {**facts, "frozen": [], "launch": "", "display": None}
    _let_time_go_on(facts.get("its_clock", ""))
    done += _run_again(facts.get("frozen", []))
    if launch := facts.get("launch"):
        if facts.get("keep") and marked(launch):
            return done, False  # the player goes on with it; what it needs stays
        done += _end(launch, LAUNCH_VARIABLE) + _end(launch, DISPLAY_VARIABLE)
    _remove_made(facts)
    return done, True


def _let_time_go_on(clock: str) -> None:
    """A frozen game's clock stands on a lease: let that be over."""
    if (page := Path(clock)).name.startswith(PAGE_PREFIX):
        with suppress(OSError), page.open("r+b", buffering=0) as file:
            file.seek(CLOCK_LEASE)
            file.write(struct.pack("=q", time.monotonic_ns()))


def _run_again(frozen: Iterable[Any]) -> list[str]:
    """Children before their parents, and none whose id belongs to another process by now."""
    done = []
    for one in reversed([*frozen]):
        pid, born = one if isinstance(one, list | tuple) and len(one) == 2 else (None, None)
        if isinstance(pid, int) and birth(pid) == born:
            with suppress(psutil.Error, OSError):
                psutil.Process(pid).resume()
                done.append(f"process {pid} runs again")
    return done


def _end(launch: str, variable: str) -> list[str]:
    done = []
    for _ in range(END_ROUNDS):
        members = marked(launch, variable)
        for member in members:
            with suppress(psutil.Error):
                done.append(f"ended {member.name()} (process {member.pid})")
        end_all(members)
    return done


def _remove_made(facts: dict[str, Any]) -> None:
    """Only what bears the name of something that we make."""
    if (folder := Path(facts.get("profile") or "/")).name.startswith(PROFILE_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)
    for kind in ("page", "clock"):
        if (page := Path(facts.get(kind) or "/")).name.startswith(PAGE_PREFIX):
            with suppress(OSError):
                page.unlink()
            shutil.rmtree(page.with_name(page.name + FOLDER_SUFFIX), ignore_errors=True)
    if number := str(facts.get("display") or "").lstrip(":"):
        remove_display(number)


def remove_display(number: str) -> None:
    """What an X server leaves that was killed; not that of a server that lives."""
    lock = Path(f"/tmp/.X{number}-lock")  # noqa: S108
    with suppress(OSError, ValueError):
        if not psutil.pid_exists(int(lock.read_text())):
            lock.unlink()
            Path(f"/tmp/.X11-unix/X{number}").unlink()  # noqa: S108
