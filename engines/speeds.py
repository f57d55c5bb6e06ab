"""How fast the engines of a processor are, measured: for no flag of a processor tells.

A Xeon with bfloat16 instructions and without AMX takes 1.6 to 2.5 s for a chunk that takes 1.1 s
in float32; an EPYC with the same flag is 1.6 times faster in bfloat16.  So a few layers of the
real sizes are run by each engine in each precision, taking turns (``engines.measure.layers``), and
what a chunk of the full policy would take is reckoned from that.

This is done once for each processor, versions of the libraries and number of threads, in a process
of its own; the figures are kept beside the compiled policies.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nitropilot.children import module_command, module_environment
from nitropilot.engines.cache import cache_folder, key_of
from nitropilot.engines.errors import EngineError

log = logging.getLogger("nitropilot.engines")

LIBRARIES = ("openvino", "torch")
BETTER = 1.1
"""So many times faster bfloat16 must be to be worth its rounding."""
FLOAT32_BYTES = 3.5e9
"""What the full policy takes in float32, while it is loaded."""
TIMEOUT_S = 180.0


@dataclass(frozen=True)
class Speeds:
    """Milliseconds that a chunk of the full policy would take.

    Attributes:
        chunk_ms: By engine, then by precision.
    """

    chunk_ms: dict[str, dict[str, float]]

    def precision(self, engine: str) -> str:
        """The precision to compute in: the faster one, if it is worth it."""
        import psutil  # a rented card's machine may lack it, and does not choose on its processor

        took = self.chunk_ms[engine]
        if "bfloat16" not in took:
            return "float32"
        enough = psutil.virtual_memory().available >= FLOAT32_BYTES
        return "float32" if took["bfloat16"] * BETTER > took["float32"] and enough else "bfloat16"

    def best(self, engine: str) -> float:
        """What an engine takes in the precision that it would compute in; inf when unknown."""
        if engine not in self.chunk_ms:
            return float("inf")
        return self.chunk_ms[engine][self.precision(engine)]

    def of(self, engine: str) -> str:
        """An engine's figures in words, the chosen one first, without its name."""
        first = self.precision(engine)
        rest = {name: took for name, took in self.chunk_ms[engine].items() if name != first}
        others = "".join(f", in {name} {took:.0f}" for name, took in rest.items())
        return f"a chunk of the full policy takes about {self.best(engine):.0f} ms{others}"


_found: dict[str, Speeds | None] = {}


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
        with suppress(OSError, ValueError, TypeError, LookupError):
            _found[key] = _read(path.read_text("utf-8"))
    if key not in _found and measure:
        _found[key] = _measured(path)
    return _found.get(key)


def forget() -> None:
    """As another process would begin."""
    _found.clear()


def _measured(path: Path) -> Speeds | None:
    """Measure, unless another process is at it: two at once would each find the other's load."""
    from filelock import FileLock, Timeout

    with suppress(OSError, Timeout), FileLock(path.with_suffix(".lock"), timeout=TIMEOUT_S):
        with suppress(OSError, ValueError, TypeError, LookupError):
            return _read(path.read_text("utf-8"))
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
        "threads": os.cpu_count(),
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


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
            for engine, figures in raw.items()
            if float(figures["float32"]) > 0
        }
    )
