"""Sessions' folders as a play leaves them, made of real chunks without a game."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from nitropilot.agent.errors import ReplayError
from nitropilot.agent.record.decisions import DecisionLog, kept_decisions
from nitropilot.agent.record.kept import Kept
from nitropilot.agent.record.trace import TraceWriter
from nitropilot.agent.session.files import engine_facts
from nitropilot.agent.values import ChunkRow, Decision
from nitropilot.capture import Frame
from nitropilot.engines.base import Prefix, Request
from nitropilot.policy.observation import observe

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.engines.base import Engine


def request(number: int, frames: int = 1, joined: bool = False) -> Request:
    """A request of noise, which compresses worst, that no other number has."""
    rng = np.random.default_rng(number)
    pictures = rng.integers(0, 256, (frames, 80, 64, 3), np.uint8)
    observation = np.concatenate([observe(picture, 64) for picture in pictures])
    noise = rng.standard_normal((16, 25), np.float32)
    prefix = Prefix(rng.random((16, 25), np.float32), rng.random(16, np.float32))
    return Request(observation, noise, frames - 1, prefix=prefix if joined else None)


def decision(number: int, frames: int = 1, joined: bool = False) -> Kept:
    """A decision that no other number has."""
    actions = np.random.default_rng(number + 1000).standard_normal((16, 25), np.float32)
    return Kept(number, request(number, frames, joined), actions)


def put(log: DecisionLog, count: int) -> list[Kept]:
    """Have decisions kept."""
    made = [decision(number) for number in range(count)]
    for one in made:
        log.put(one)
    return made


def readable(folder: Path) -> list[int]:
    """Numbers of the decisions that can be read, whatever is wrong with the rest."""
    found: list[int] = []
    with suppress(ReplayError):
        found.extend(one.number for one in kept_decisions(folder))
    return found


def begin_play(folder: Path, engine: Engine, count: int) -> tuple[TraceWriter, DecisionLog]:
    """A play that goes on, of so many chunks that the engine really computed."""
    spec = engine.spec
    policy = {"name": spec.name, "fingerprint": spec.fingerprint, "random": spec.is_random}
    trace = TraceWriter(
        folder / "trace.jsonl.gz", {"policy": policy, "engine": engine_facts(engine.info)}
    )
    log = DecisionLog(folder / "decisions", None)
    for number in range(count):
        asked = request(number, joined=number % 2 == 1)
        chunk = engine.infer_batch([asked])[0]
        frame = Frame(np.zeros((1, 1, 3), np.uint8), time.perf_counter())
        trace.chunk(ChunkRow(number, Decision(frame, chunk, 0.0, asked), {}))
        log.put(Kept(number, asked, chunk.actions))
    return trace, log


def whole_play(folder: Path, engine: Engine, count: int = 12) -> None:
    """A play that has ended."""
    trace, log = begin_play(folder, engine, count)
    log.close()
    trace.close(state="stopped", decisions_left_out=log.left_out)
