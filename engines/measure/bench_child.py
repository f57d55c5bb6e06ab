"""The measured process of ``engines.measure.bench``: one engine, a chunk for each word it is told.

    python -m nitropilot.engines.measure.bench_child        a JSON job on the first line of stdin

A process of its own for each engine, because its peak memory and its start belong to what
is measured.  Then, one JSON object a line on stdout:

    {"event": "loaded", "load_s": ..., "info": {...}, "spec": {...}}
    {"event": "chunk", "began": ..., "total": ..., "seconds": {...}, "actions": [...]}
    {"event": "ceilings", ...}
    {"event": "end", "peak_bytes": ..., "device_bytes": ..., "info": {...}}
    {"event": "error", "kind": ..., "message": ..., "hint": ...}

``chunk`` answers the word ``chunk`` (``actions`` are there in the first one only), and
``ceilings`` its own; ``end``, or the end of stdin, ends it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from nitropilot.engines.chooser import load_engine
from nitropilot.engines.errors import EngineError
from nitropilot.errors import NitroPilotError
from nitropilot.policy.actions import decode
from nitropilot.policy.observation import observe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.engines.base import Engine

SEED = 20
BASELINE = "baseline"


class Example:
    """A picture and noise that are the same in every process of a measurement.

    Args:
        engine: What they have to fit.
        size: Height and width of the picture.
    """

    def __init__(self, engine: Engine, size: tuple[int, int]) -> None:
        rng = np.random.default_rng(SEED)
        self._engine = engine
        self._picture = _made_up(rng, *size)
        self._noise = engine.draw_noise(rng)

    def run(self) -> dict[str, Any]:
        """From the picture to sticks and buttons; what it took, in seconds."""
        engine = self._engine
        began = time.perf_counter()
        frame = observe(self._picture, engine.spec.image_size)
        observation = np.repeat(frame, engine.spec.frames, axis=0)
        seen = time.perf_counter()
        chunk = engine.infer(observation, self._noise)
        there = time.perf_counter()
        decode(chunk.actions, old_layout=engine.spec.old_layout)
        done = time.perf_counter()
        seconds = dict(chunk.seconds)
        seconds["preprocess"] = seconds.get("preprocess", 0.0) + seen - began
        seconds["decode"] = done - there
        return {
            "began": began,
            "total": done - began,
            "seconds": seconds,
            "actions": chunk.actions.tolist(),
        }


def _made_up(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Blocks of colour with some noise: edges and plains, as in a game."""
    blocks = rng.integers(8, 248, (height // 40 + 1, width // 40 + 1, 3), np.uint8)
    picture = blocks.repeat(40, axis=0).repeat(40, axis=1)[:height, :width]
    noisy: NDArray[np.uint8] = picture + rng.integers(0, 8, picture.shape, np.uint8)
    return noisy


def open_job(job: dict[str, Any]) -> Engine:
    """The engine that a job names."""
    if job["engine"] != BASELINE:
        return load_engine(
            job["policy"],
            engine=job["engine"],
            device=job["device"],
            precision=job["precision"],
        )
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # see ``engines.chooser``
    import torch

    from nitropilot.engines.pytorch.baseline import BaselineEngine
    from nitropilot.policy import open_policy

    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[job["precision"]]
    return BaselineEngine(open_policy(job["policy"]), job["device"], dtype)


def peak_bytes() -> int:
    """The most memory that this process ever had in use, shared libraries included."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text().splitlines()
        (line,) = (line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    else:  # noqa: RET505 - mypy checks the branch of the other system too
        import psutil

        memory = psutil.Process().memory_info()
        return int(getattr(memory, "peak_wset", memory.rss))


def device_bytes() -> int | None:
    """The most memory that torch held of a card; None where torch did not compute on one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return int(torch.cuda.max_memory_reserved())


def answer(say: TextIO, event: str, **what: Any) -> None:
    """Write one line of the protocol."""
    say.write(json.dumps({"event": event, **what}) + "\n")
    say.flush()


def serve(job: dict[str, Any], ask: TextIO, say: TextIO) -> None:
    """Load, then answer word by word."""
    for name in job["preload"]:
        importlib.import_module(name)
    began = time.perf_counter()
    engine = open_job(job)
    answer(
        say, "loaded", load_s=time.perf_counter() - began, info=asdict(engine.info),
        spec=asdict(engine.spec),
    )  # fmt: skip
    example: Example | None = None
    try:
        for word in ask:
            if word.strip() == "end":
                break
            first = example is None
            example = example or Example(engine, tuple(job["picture"]))
            measured = example.run()
            if not first:
                del measured["actions"]
            answer(say, "chunk", **measured)
        peak, there = peak_bytes(), device_bytes()
        answer(say, "end", peak_bytes=peak, device_bytes=there, info=asdict(engine.info))
    finally:
        engine.close()


def serve_ceilings(job: dict[str, Any], ask: TextIO, say: TextIO) -> None:
    """Count the work of the policy, then measure the machine at each word."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from nitropilot.engines.measure.roofline import count_work, measure_ceilings, shapes_only

    work = {part: asdict(one) for part, one in count_work(shapes_only(job["policy"])).items()}
    answer(say, "loaded", work=work)
    for word in ask:
        if word.strip() == "end":
            break
        answer(say, "ceilings", **asdict(measure_ceilings(job["device"], job["threads"])))
    answer(say, "end")


def main() -> None:
    """Do the job on stdin."""
    # Libraries that print would otherwise spoil the protocol.
    say = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.readline())
    try:
        (serve_ceilings if job["engine"] == "ceilings" else serve)(job, sys.stdin, say)
    except NitroPilotError as error:
        answer(say, "error", kind=error.code, message=str(error), hint=error.hint)
    except (RuntimeError, MemoryError) as error:  # torch raises it for everything
        reason = (str(error) or type(error).__name__).split("\n")[0]
        answer(say, "error", kind=EngineError.code, message=reason, hint="")


if __name__ == "__main__":
    main()
