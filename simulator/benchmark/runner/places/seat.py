"""``Seat``: what runs on a machine of the cluster: a ``Referee`` that answers from afar.

Ray makes an actor of it; nothing here knows Ray.  All answers are plain maps, so that an error of
ours means the same on both ends.  The episode and its policy are processes on this machine, as
they are without Ray; when the seat's process is gone, however it went, they end by themselves
(``policies.orphans``).
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.errors import NitroPilotError
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.errors import EntryError
from nitropilot.simulator.benchmark.results.machines import this_machine
from nitropilot.simulator.benchmark.runner.referee import Referee, Stopped
from nitropilot.simulator.benchmark.runner.suites import task_named
from nitropilot.simulator.benchmark.runner.wishes import versions
from nitropilot.simulator.environments.errors import SimulatorError
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.policies.opening import Means
    from nitropilot.simulator.benchmark.runner.episode import Job
    from nitropilot.simulator.benchmark.runner.referee import Patience

THREADS = "OMP_NUM_THREADS"
"""Ray sets it for its own processes; how many threads a policy computes with may change what it
answers."""


class Seat:
    """Plays episodes, one at a time; ``stop`` alone may come meanwhile.

    Args:
        means: What policies run on.
        patience: How long to wait.
        threads: The value of ``OMP_NUM_THREADS`` where the run was begun; None: it has none.
    """

    def __init__(self, means: Means, patience: Patience, threads: str | None) -> None:
        os.environ.pop(THREADS, None)
        if threads is not None:
            os.environ[THREADS] = threads
        self._referee = Referee(means, patience)
        self._known: set[str] = set()

    def machine(self) -> str:
        """Which machine this is (``Machine.name``)."""
        return self._referee.machine

    def enter(self, entry: Entry) -> dict[str, Any]:
        """``{"card": Card.plain}``, or ``{"error": {"message", "hint"}}`` of what cannot be
        loaded."""
        try:
            card = self._referee.enter(entry)
        except Stopped:
            return {"stopped": True}
        except (EntryError, SimulatorError) as error:
            return {"error": {"message": str(error), "hint": error.hint}}
        self._known.add(entry.name)
        return {"card": card.plain()}

    def play(self, job: Job, entry: Entry) -> dict[str, Any]:
        """``{"done", "trace", "video": bytes}`` (``Referee.play``); ``{"error": ...}`` where the
        machine failed, or has another policy of that name than the run began with."""
        if entry.name not in self._known:
            found = self.enter(entry)
            if "card" not in found:
                return found
            if wrong := differences(job.card, found["card"]):
                text = f"{entry.name} is another policy there: {wrong}"
                return {"error": {"message": text, "hint": "copy the same files to every machine"}}
        try:
            with tempfile.TemporaryDirectory(prefix="nitropilot-") as name:
                video = Path(name, "video.mp4")
                filmed = replace(job, video=str(video) if job.video else "")
                done, trace = self._referee.play(filmed, entry)
                kept = video.read_bytes() if done["video"] else b""
        except Stopped:
            return {"stopped": True}
        except (SimulatorError, OSError) as error:
            hint = error.hint if isinstance(error, SimulatorError) else ""
            return {"error": {"message": str(error), "hint": hint}}
        return {"done": done, "trace": trace, "video": kept}

    def stop(self) -> None:
        """Have what is played end, and nothing more be played."""
        self._referee.stop()

    def close(self) -> None:
        """End all policies."""
        self._referee.close()


def differences(one: dict[str, Any], other: dict[str, Any]) -> str:
    """What two cards do not agree on, in words; "" where they are one."""
    here, there = (Card.read(each).plain() for each in (one, other))
    return ", ".join(
        f"its {name} is {there[name]!r} and was {here[name]!r}"
        for name in here
        if here[name] != there[name]
    )


def look(tasks: Iterable[tuple[str, str, bool]]) -> dict[str, Any]:
    """What this machine has.

    Args:
        tasks: Suite and name of each that is to be played, and whether in its window.

    Returns:
        ``versions`` of all that may change what happens, by name, ``machine`` (``Machine.name``),
        ``cores``, and ``missing``: why tasks cannot be played here, with what to do about it.
    """
    missing = []
    for suite, name, window in tasks:
        try:
            task_named(suite, name, window).ready()
        except NitroPilotError as error:
            missing.append(error.line())
    machine = this_machine()
    return {
        "versions": {"nitropilot": __version__, **versions()},
        "machine": machine.name,
        "missing": list(dict.fromkeys(missing)),
    }
