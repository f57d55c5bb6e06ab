"""How fast the engines of a processor are, measured: for no flag of a processor tells.

A Xeon with bfloat16 instructions and without AMX takes 1.6 to 2.5 s for a chunk that takes 1.1 s
in float32; an EPYC with the same flag is 1.6 times faster in bfloat16.  So a few layers of the
real sizes are run by each engine in each precision, taking turns (``engines.measure.layers``), and
what a chunk of the full policy would take is reckoned from that.

This is done once for each processor, versions of the libraries and of what measures, and number of
cores that may be used, in a process of its own; the figures are kept beside the compiled policies.
Those of a machine that was never quiet are measured anew by who starts an hour later.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nitropilot.children import module_command, module_environment
from nitropilot.engines.cache import cache_folder, key_of
from nitropilot.engines.errors import EngineError
from nitropilot.engines.fingerprint import code_version, stored_bytes

log = logging.getLogger("nitropilot.engines")

LIBRARIES = ("openvino", "torch")
CODE = ("nitropilot.engines.measure.layers", "nitropilot.engines.openvino.settings")
"""What measures: figures of other code are no longer these."""
BETTER = 1.03
"""So many times faster bfloat16 must be to be worth its rounding: what is chosen is to be within
3 % of the best, and two measurements of the same thing differ by as much."""
FLOAT32_BYTES = 3.5e9
"""What the full policy takes in float32, while it is loaded."""
LOADED = 3.5
"""What a policy takes in float32 while it is loaded, for each byte of its file, at most: in that a
number has at least two bytes, and 7 are taken for each."""
AGAIN_S = 3600.0
"""Figures of a machine that was never quiet count for so long."""
TIMEOUT_S = 180.0


def has_room(policy: str) -> bool:
    """Whether a policy fits the free memory in float32, while it is loaded."""
    import psutil  # a rented card's machine may lack it, and does not choose on its processor

    return bool(psutil.virtual_memory().available >= _float32_bytes(policy))


def is_smaller(policy: str) -> bool:
    """Whether a policy is far from the full one, whose figures say little of it then."""
    return _float32_bytes(policy) < FLOAT32_BYTES / 2


def _float32_bytes(policy: str) -> float:
    if policy.startswith("random:"):
        return FLOAT32_BYTES if policy.startswith("random:full") else 0.0
    return min(LOADED * (stored_bytes(policy) or 0), FLOAT32_BYTES)


@dataclass(frozen=True)
class Speeds:
    """Milliseconds that a chunk of the full policy would take.

    Attributes:
        chunk_ms: By engine, then by precision.
        settled: Whether each had quiet rounds; without them they are what a busy machine made.
    """

    chunk_ms: dict[str, dict[str, float]]
    settled: bool = True

    def precision(self, engine: str, room: bool = True) -> str:
        """The precision to compute in: the faster one, if it is worth it.

        Args:
            engine: By name.
            room: Whether the policy fits in float32 (``has_room``); where not, what it costs to
                compute in less is little beside what a policy costs that is swapped out.
        """
        took = self.chunk_ms[engine]
        if "bfloat16" not in took:
            return "float32"
        slower = took["bfloat16"] * BETTER > took["float32"]
        return "float32" if slower and room else "bfloat16"

    def best(self, engine: str, room: bool = True) -> float:
        """What an engine takes in that precision; inf when unknown, or when it does not fit."""
        if engine not in self.chunk_ms:
            return float("inf")
        precision = self.precision(engine, room)
        return self.chunk_ms[engine][precision] if room or precision != "float32" else float("inf")

    def of(self, engine: str) -> str:
        """An engine's figures in words, the chosen one first, without its name."""
        first = self.precision(engine)
        rest = {name: took for name, took in self.chunk_ms[engine].items() if name != first}
        others = "".join(f", in {name} {took:.0f}" for name, took in rest.items())
        return f"a chunk of the full policy takes about {self.best(engine):.0f} ms{others}"


_found: dict[str, Speeds | None] = {}
_tried: set[str] = set()


def speeds_here(*, measure: bool = True) -> Speeds | None:
    """What was measured here, now or before.

    Args:
        measure: Measure when it was not yet, which takes some seconds.

    Returns:
        None when it cannot be measured, or was not.
    """
    path = cache_folder("engines") / f"speeds-{key_of(machine_facts())}.json"
    key = str(path)
    if _found.get(key) is None:
        _found[key] = _kept(path)
    if measure and key not in _tried:
        if (before := _found[key]) is None or _is_stale(path, before):
            _found[key] = _measured(path) or before
        _tried.add(key)
    return _found[key]


def _kept(path: Path) -> Speeds | None:
    with suppress(OSError, ValueError, TypeError, LookupError):
        return _read(path.read_text("utf-8"))
    return None


def _is_stale(path: Path, found: Speeds) -> bool:
    """Whether figures that a busy machine made have counted for long enough."""
    with suppress(OSError):
        return not found.settled and time.time() - path.stat().st_mtime > AGAIN_S
    return True


def forget() -> None:
    """As another process would begin."""
    _found.clear()
    _tried.clear()


def _measured(path: Path) -> Speeds | None:
    """Measure, unless another process is at it: two at once would each find the other's load."""
    from filelock import FileLock, Timeout

    with suppress(OSError, Timeout), FileLock(path.with_suffix(".lock"), timeout=TIMEOUT_S):
        if (found := _kept(path)) is not None and not _is_stale(path, found):
            return found
        return _measured_now(path)
    return _measured_now(path)


def _measured_now(path: Path) -> Speeds | None:
    log.warning("measuring how fast the engines are on this processor (once)")
    try:
        text = _measure_apart()
        found = _read(text)
    except (EngineError, OSError, subprocess.TimeoutExpired, ValueError, TypeError,
            LookupError) as error:  # fmt: skip
        log.warning("the speed of the engines here could not be measured: %s", error)
        return None
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with suppress(OSError):  # it is measured again then
        beside.write_text(text, "utf-8")
        beside.replace(path)
    return found


def machine_facts() -> dict[str, object]:
    """What figures of a processor depend on."""
    return {
        "processor": _processor(),
        "threads": usable_cores(),
        "code": code_version(*CODE),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def usable_cores() -> int:
    """Cores that this process may use: on a shared machine fewer than there are."""
    cores = os.cpu_count() or 1
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
    return cores


def _processor() -> str:
    """Name and abilities; a virtual machine's name may be as short as "AMD EPYC"."""
    if sys.platform == "linux":
        with suppress(OSError):
            lines = Path("/proc/cpuinfo").read_text("utf-8").split("\n\n")[0].splitlines()
            told = ("model name", "flags", "cpu family", "model\t")
            return "\n".join(line for line in lines if line.startswith(told))
    return platform.processor()


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _measure_apart() -> str:
    done = subprocess.run(
        module_command("nitropilot.engines.measure.layers"),
        capture_output=True, text=True, env=module_environment(), timeout=TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or [f"status {done.returncode}"]
        raise EngineError(said[0])
    return done.stdout.strip().splitlines()[-1]


def _read(text: str) -> Speeds:
    """Raises ValueError, TypeError or LookupError if these are no figures."""
    raw = json.loads(text)
    if not isinstance(raw, dict):
        raise TypeError("not an object")
    return Speeds(
        {
            str(engine): {str(name): float(took) for name, took in figures.items()}
            for engine, figures in raw["chunk_ms"].items()
            if float(figures["float32"]) > 0
        },
        bool(raw["settled"]),
    )
