"""Run steps one after the other, each in a process group of its own that ends with it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scripts.proof_list import Proof

INTERRUPTED = 130
TOO_LONG = 124
LISTED_TIMES = 3
"""A step may take so many times the minutes that are listed for it."""
PATIENCE_S = 20.0
"""How long the processes of a step may take to end when they are asked, each time."""


@dataclass(frozen=True)
class Result:
    """How a step went.

    Attributes:
        proof: The step.
        seconds: What it took.
        status: Its exit status.
    """

    proof: Proof
    seconds: float
    status: int

    @property
    def line(self) -> str:
        """For printing."""
        how = f"failed with status {self.status}" if self.status else "passed"
        minutes = self.proof.minutes
        return f"{self.seconds / 60:6.1f} min (listed {minutes:g})  {self.proof.name}: {how}"


def run(steps: list[Proof]) -> list[Result]:
    """Run all, also after one has failed, and say of each how it went.

    Ctrl-C, or a signal that raises ``KeyboardInterrupt`` as well, ends the step that runs and
    leaves the others out.
    """
    results: list[Result] = []
    for step in steps:
        print(f"== {step.name}: {step.command}", flush=True)
        began = time.monotonic()
        try:
            status = _call(step.command, LISTED_TIMES * step.minutes * 60)
        except KeyboardInterrupt:
            return [*results, Result(step, time.monotonic() - began, INTERRUPTED)]
        results.append(Result(step, time.monotonic() - began, status))
        print(f"== {results[-1].line.strip()}", flush=True)
    return results


def _call(command: str, limit_s: float) -> int:
    # What make was told of this run (to ignore errors, to run nothing) is not for the rows.
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}
    try:
        process = subprocess.Popen(shlex.split(command), env=environment, start_new_session=True)
    except OSError as error:
        print(error, file=sys.stderr, flush=True)
        return 127
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        print(f"== ended: it took {LISTED_TIMES} times its minutes", flush=True)
        return TOO_LONG
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of a step: as Ctrl-C does, so that tests clean up, then by force."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            if not _tell(process.pid, number):
                break
            until = time.monotonic() + PATIENCE_S
            while process.poll() is None or _tell(process.pid, 0):
                if time.monotonic() > until:
                    break
                time.sleep(0.02)
    finally:  # also when somebody presses Ctrl-C again
        _tell(process.pid, signal.SIGKILL)
        process.wait()


def _tell(group: int, number: int) -> bool:
    """Send a signal to a group; False when nobody is in it any more."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
