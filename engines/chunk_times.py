"""What a chunk takes here with so many Euler steps: measured once, and remembered.

A number of steps that cannot be measured has no figure: none is reckoned from the others.
"""

from __future__ import annotations

import json
import logging
import math
import os
import statistics
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.engines.cache import cache_folder, key_of
from nitropilot.engines.errors import EngineError
from nitropilot.engines.fingerprint import code_version
from nitropilot.engines.speeds import machine_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from nitropilot.engines.base import Engine

log = logging.getLogger("nitropilot.engines")

SAMPLES = 5
"""Chunks that are timed, after one to warm up; the median counts."""
CODE = ("nitropilot.engines", "nitropilot.policy.network")


def time_chunk(engine: Engine) -> float:
    """Seconds that a chunk takes: the median of ``SAMPLES`` on a grey picture, warm."""
    spec = engine.spec
    engine.warm_up()
    grey = np.zeros((spec.frames, 3, spec.image_size, spec.image_size), np.float32)
    noise = engine.draw_noise(np.random.default_rng(0))
    taken = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        engine.infer(grey, noise)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def chunk_seconds(
    opened: Callable[[int], Engine], own: Engine, steps: Iterable[int]
) -> dict[int, float]:
    """Seconds a chunk by number of steps, from an earlier measurement where there is one.

    Args:
        opened: Opens the policy with so many steps, as it is to be played.
        own: The same with its own steps: says which policy, engine and precision are meant.
        steps: Which to measure.

    Returns:
        Those that could be measured.
    """
    path = _place(own)
    known = _recall(path)
    missing = [count for count in dict.fromkeys(steps) if count not in known]
    if missing:
        words = ", ".join(map(str, missing))
        log.warning("measuring what a chunk takes here with %s Euler steps (once)", words)
    for count in missing:
        try:
            with closing(opened(count)) as engine:
                if (engine.info.name, engine.info.device) != (own.info.name, own.info.device):
                    continue  # it does not run there, and another engine's time is not its
                known[count] = time_chunk(engine)
        except EngineError as error:
            log.warning("%d Euler steps cannot be measured: %s", count, error)
    if missing:
        _remember(path, known)
    return {count: known[count] for count in steps if count in known}


def _place(own: Engine) -> Path:
    """Where the figures are kept: another file for whatever could change them."""
    facts = {
        **machine_facts(),
        "policy": own.spec.fingerprint,
        "engine": [own.info.name, own.info.device, own.info.precision],
        "batch": own.max_batch,
        "code": code_version(*CODE),
    }
    return cache_folder("engines") / f"steps-{key_of(facts)}.json"


def _recall(path: Path) -> dict[int, float]:
    try:
        raw = json.loads(path.read_text("utf-8"))
        found = {int(count): float(taken) for count, taken in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    return {count: taken for count, taken in found.items() if 0 < taken < math.inf}


def _remember(path: Path, known: dict[int, float]) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with suppress(OSError):  # it is measured again then
        beside.write_text(json.dumps(known), "utf-8")
        beside.replace(path)
