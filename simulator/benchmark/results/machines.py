"""The machine that a run is begun on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import psutil

from nitropilot.simulator.benchmark.results.run import Machine

_CPUS = Path("/proc/cpuinfo")


def this_machine(gpu: str = "") -> Machine:
    """What is known of this machine, without its name or its user's.

    Args:
        gpu: The graphics card that computes the policy, if one does.
    """
    cores = psutil.Process().cpu_affinity() if hasattr(psutil.Process, "cpu_affinity") else None
    return Machine(
        system=f"{platform.system()} {platform.release()}",
        processor=_processor(),
        cores=len(cores) if cores else os.cpu_count() or 0,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        gpu=gpu,
    )


def _processor() -> str:
    """The processor's name as people know it; its kind where the system does not say."""
    try:
        for line in _CPUS.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return " ".join(value.split())
    except OSError:
        pass
    return platform.processor() or platform.machine()
