"""``bench``: measure an engine, and how many times faster it is than the plain way.

Each engine runs in a process of its own (``engines.measure.bench_child``).  The chunks of the
engine and those of the baseline take turns, so that whatever else the machine does meets
both: the baseline gets fewer, because it takes seconds each.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.engines.errors import EngineError, EngineUnavailable
from nitropilot.engines.fingerprint import fingerprint_of
from nitropilot.engines.measure.bench_process import Measured
from nitropilot.engines.wish import DEVICES, ENGINES, PRECISIONS
from nitropilot.policy.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

RANKS = (50, 90, 99)
PARTS = ("preprocess", "vision", "sampler", "decode")
WARM_UPS = 3
BASELINE_REPEAT = 5
CEILING_TRIES = 3


@dataclass(frozen=True)
class BenchSettings:
    """What to measure.

    Attributes:
        policy: A checkpoint's path, or ``random:SIZE[:SEED]``.
        engine: ``auto`` or a name of ``engines.ENGINES`` other than ``remote``.
        device: ``auto`` or a name of ``engines.DEVICES``.
        precision: ``auto`` or a name of ``engines.PRECISIONS``.
        repeat: Chunks of the engine.
        baseline: Compare it with the plain way, on the same kind of device.
        fresh_cache: Start with an empty cache, to see what compiling takes.
        roofline: Measure what the machine can do, and hold the engine against it.
        picture: Height and width of the picture each chunk begins with.
        preload: Modules that a player's process imports as well; they count for the cold
            start and the memory.
    """

    policy: str
    engine: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    repeat: int = 20
    baseline: bool = False
    fresh_cache: bool = False
    roofline: bool = True
    picture: tuple[int, int] = (1080, 1920)
    preload: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise for what cannot be measured, before anything is started.

        Raises:
            EngineUnavailable: A word is none that there is.
            EngineError: There is nothing to repeat.
            PolicyError, CheckpointError: There is no such policy.
        """
        local = tuple(name for name in ENGINES if name != "remote")
        for what, word, words in (
            ("engine", self.engine, ("auto", *local)),
            ("device", self.device, DEVICES),
            ("precision", self.precision, PRECISIONS),
        ):
            if word not in words:
                hint = f"measure with {', '.join(words)}"
                raise EngineUnavailable(f"there is no {what} {quoted(word)}", hint)
        if self.repeat < 1:
            raise EngineError(f"repeat is {self.repeat}", "measure 1 chunk or more")
        fingerprint_of(self.policy)


def bench(
    settings: BenchSettings, progress: Callable[[str, float], None] | None = None
) -> dict[str, Any]:
    """Measure.

    Args:
        settings: What.
        progress: Is told what happens and how much of all is done, from 0 to 1.

    Returns:
        A report that JSON can hold; times are in milliseconds where the name says so.
        ``percentiles`` and ``compare`` say more.

    Raises:
        EngineError: An engine is not here, failed, or fell back to another meanwhile.
    """
    settings.check()
    tell = progress or (lambda what, done: None)
    with ExitStack() as stack:
        environment = {}
        if settings.fresh_cache:
            prefix = "nitropilot-bench-"
            cache = stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix))
            environment["NITROPILOT_CACHE"] = cache
        job = _job(settings, settings.engine, settings.device, settings.precision)
        tell("compiling, or finding what was compiled", 0.0)
        with Measured(job, environment) as preparing:
            first_load_s = float(preparing.loaded["load_s"])
        tell("starting with a warm cache", 0.2)
        engine = stack.enter_context(Measured(job, environment))
        chunk = engine.ask("chunk")
        cold_start_s = engine.age_s
        others = _others(settings, engine.loaded["info"]["device"], stack, tell)
        answers = _rounds(settings, engine, others, tell)
        ends = {name: one.ask("end") for name, one in (("engine", engine), *others.items())}
        if ends["engine"]["info"] != engine.loaded["info"]:
            raise EngineError(
                f"the engine changed while it was measured: {ends['engine']['info']['reason']}",
                "name the engine and the device to measure",
            )
        report = {
            **_about(settings, engine.loaded["info"]),
            **_measured(answers["engine"], engine, ends["engine"]),
            "first_load_s": round(first_load_s, 3),
            "cold_start_s": round(cold_start_s, 3),
        }
        if settings.fresh_cache:
            report["compile_s"] = round(first_load_s - engine.loaded["load_s"], 3)
        if "ceilings" in others:
            from nitropilot.engines.measure.bench_report import held_against

            work = others["ceilings"].loaded["work"]
            report["roofline"] = held_against(report, work, answers["ceilings"])
        if "baseline" in others:
            report["baseline"] = _beside(chunk, others["baseline"], answers, ends["baseline"])
        tell("done", 1.0)
        return report


def _others(
    settings: BenchSettings, place: str, stack: ExitStack, tell: Callable[[str, float], None]
) -> dict[str, Measured]:
    """What an engine at ``place`` is held against: processes that end with ``stack``."""
    kind = _kind(place)
    others: dict[str, Measured] = {}
    if settings.baseline:
        tell("loading the baseline", 0.3)
        plain = _job(settings, "baseline", kind if kind == "cuda" else "cpu", "float32")
        others["baseline"] = stack.enter_context(Measured(plain))
    if settings.roofline and kind in ("cpu", "cuda"):
        roof = _job(settings, "ceilings", kind, "float32")
        roof["threads"] = _threads(place)
        others["ceilings"] = stack.enter_context(Measured(roof))
    return others


def _beside(
    chunk: dict[str, Any],
    baseline: Measured,
    answers: dict[str, list[dict[str, Any]]],
    end: dict[str, Any],
) -> dict[str, Any]:
    """The baseline's part of the report; ``chunk`` is the engine's first."""
    first, *measured = answers["baseline"]
    return {
        "engine": baseline.loaded["info"],
        **_measured(measured, baseline, end),
        **compare(answers["engine"], measured),
        "relative_error": _relative(chunk["actions"], first["actions"]),
    }


def _job(settings: BenchSettings, engine: str, device: str, precision: str) -> dict[str, Any]:
    preload = settings.preload if engine not in ("baseline", "ceilings") else ()
    return {
        "policy": settings.policy,
        "engine": engine,
        "device": device,
        "precision": precision,
        "picture": settings.picture,
        "preload": preload,
    }


def _kind(place: str) -> str:
    """``cpu``, ``cuda`` or ``gpu`` of what an engine says of its device."""
    return place.split(",")[0].split(" ")[0]


def _threads(place: str) -> int:
    """How many threads an engine says that it has; 0 where it says nothing."""
    found = re.search(r"(\d+) thread", place)
    return int(found[1]) if found else 0


def _rounds(
    settings: BenchSettings,
    engine: Measured,
    others: dict[str, Measured],
    tell: Callable[[str, float], None],
) -> dict[str, list[dict[str, Any]]]:
    """Ask in turns; the first answer of the baseline is its warm-up."""
    answers: dict[str, list[dict[str, Any]]] = {"engine": []}
    for _ in range(WARM_UPS - 1):
        engine.ask("chunk")
    if "baseline" in others:
        answers["baseline"] = [others["baseline"].ask("chunk")]
    turns = turns_of(settings.repeat, BASELINE_REPEAT if others else 1)
    looks = {round(i * (len(turns) - 1) / (CEILING_TRIES - 1)) for i in range(CEILING_TRIES)}
    for number, size in enumerate(turns):
        tell("measuring", 0.4 + 0.6 * number / len(turns))
        answers["engine"] += [engine.ask("chunk") for _ in range(size)]
        if "baseline" in others:
            answers["baseline"].append(others["baseline"].ask("chunk"))
        if "ceilings" in others and number in looks:
            answers.setdefault("ceilings", []).append(others["ceilings"].ask("ceilings"))
    return answers


def turns_of(repeat: int, groups: int) -> list[int]:
    """``repeat`` chunks in at most ``groups`` groups of about one size."""
    groups = min(repeat, groups)
    return [repeat // groups + (number < repeat % groups) for number in range(groups)]


def _about(settings: BenchSettings, info: dict[str, Any]) -> dict[str, Any]:
    return {
        "policy": settings.policy,
        "engine": info,
        "picture": list(settings.picture),
        "cpus": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def _measured(
    answers: list[dict[str, Any]], process: Measured, end: dict[str, Any]
) -> dict[str, Any]:
    there = end["device_bytes"]
    return {
        "chunks": len(answers),
        "ms": percentiles(answers),
        "load_s": round(process.loaded["load_s"], 3),
        "peak_mb": round(end["peak_bytes"] / 1e6, 1),
        "device_peak_mb": round(there / 1e6, 1) if there is not None else None,
    }


def percentiles(answers: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Percentiles in milliseconds of the whole and of each part."""
    columns = {"total": [answer["total"] for answer in answers]}
    names = [*PARTS, *(name for name in answers[0]["seconds"] if name not in PARTS)]
    for name in names:
        if all(name in answer["seconds"] for answer in answers):
            columns[name] = [answer["seconds"][name] for answer in answers]
    return {
        name: {f"p{rank}": round(float(np.percentile(values, rank)) * 1e3, 3) for rank in RANKS}
        for name, values in columns.items()
    }


def compare(engine: list[dict[str, Any]], baseline: list[dict[str, Any]]) -> dict[str, float]:
    """How many times faster than the baseline: of the medians, and the worst and best turn."""
    groups = iter(engine)
    ratios = [
        answer["total"] / median(next(groups)["total"] for _ in range(size))
        for answer, size in zip(baseline, turns_of(len(engine), len(baseline)), strict=True)
    ]
    whole = median(a["total"] for a in baseline) / median(a["total"] for a in engine)
    return {
        "ratio": round(whole, 2),
        "ratio_low": round(min(ratios), 2),
        "ratio_high": round(max(ratios), 2),
    }


def _relative(found: list[list[float]], wanted: list[list[float]]) -> float:
    """Relative L2 error."""
    a, b = np.array(found), np.array(wanted)
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))
