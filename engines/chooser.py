"""Choose an engine for a policy, and say why the others were not taken.

A backend is a module with two functions:

    available(device) -> str     what it would run on; raises ``EngineUnavailable``
    open_engine(wish, reason)    the engine; ``wish.device`` and ``.engine`` are no "auto"
"""

from __future__ import annotations

import importlib
import logging
import math
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

from nitropilot.engines.errors import EngineUnavailable, OutOfMemory
from nitropilot.engines.fallback import FallbackEngine
from nitropilot.engines.wish import DEVICES, ENGINES, PRECISIONS, Wish
from nitropilot.policy.errors import quoted
from nitropilot.policy.euler import check_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.engines.base import Engine
    from nitropilot.engines.speeds import Speeds

log = logging.getLogger("nitropilot.engines")


class _Module(Protocol):
    def available(self, device: str) -> str: ...

    def open_engine(self, wish: Wish, reason: str) -> Engine: ...


@dataclass(frozen=True)
class Backend:
    """A way to run a policy.

    Attributes:
        engine: Its engine's name.
        device: Where it runs.
        module: What implements it.
        needs: How to install what it needs.
        automatic: Whether ``auto`` considers it.
    """

    engine: str
    device: str
    module: str
    needs: str
    automatic: bool = True

    @property
    def label(self) -> str:
        """As in ``openvino on cpu``."""
        return self.engine if self.device == "remote" else f"{self.engine} on {self.device}"


CPU = "cpu"
OPENVINO = "pip install 'nitropilot[openvino]'"

TENSORRT = "pip install 'nitropilot[tensorrt]'"

BACKENDS = (
    Backend("tensorrt", "cuda", "nitropilot.engines.tensorrt.engine", TENSORRT),
    Backend("torch", "cuda", "nitropilot.engines.pytorch.cuda", "pip install torch"),
    Backend("openvino", CPU, "nitropilot.engines.openvino.engine", OPENVINO),
    Backend("openvino", "gpu", "nitropilot.engines.openvino.engine", OPENVINO, automatic=False),
    Backend("openvino", "npu", "nitropilot.engines.openvino.engine", OPENVINO, automatic=False),
    Backend("torch", CPU, "nitropilot.engines.pytorch.engine", "pip install torch"),
    Backend(
        "remote",
        "remote",
        "nitropilot.engines.remote.engine",
        "pip install websockets",
        automatic=False,
    ),
)
"""The fastest first, as far as it is known without measuring: see ``backends``."""


@dataclass(frozen=True)
class EngineReport:
    """What ``doctor`` and ``status`` say of one way to run a policy.

    Attributes:
        name: Engine and device.
        available: Whether it can run here.
        reason: On what, or why not.
        hint: The fix, when it is not available.
    """

    name: str
    available: bool
    reason: str
    hint: str = ""


def backends(*, measure: bool = True) -> tuple[Backend, ...]:
    """Every way to run a policy, the fastest first: those on the processor as measured there.

    Args:
        measure: Measure when it was not done yet, which takes some seconds.
    """
    return tuple(_ordered(list(BACKENDS), measure=measure))


def engine_reports(*, measure: bool = True) -> tuple[EngineReport, ...]:
    """One report for each way to run a policy, in the order of ``backends``."""
    return tuple(_report(backend) for backend in backends(measure=measure))


def load_engine(
    policy: str,
    *,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    max_batch: int = 1,
    server: str = "",
    token: str = "",
    steps: int | None = None,
) -> Engine:
    """Load a policy and make it ready to run; see ``Wish`` for the arguments.

    Raises:
        EngineUnavailable: The engine or the device is not here.
        CheckpointError, PolicyError: The policy cannot be loaded, or so many steps not be taken.
        OutOfMemory: It does not fit, and there is no other place for it.
    """
    wish = Wish(policy, engine, device, precision, max_batch, server, token, steps)
    _check_words(wish)
    candidates = [b for b in BACKENDS if _matches(b, wish)]
    if not candidates:
        raise EngineUnavailable(
            f"engine {engine!r} does not run on device {device!r}",
            "; ".join(f"{b.label}" for b in BACKENDS) + " would",
        )
    if policy and not server:
        _look_for(policy)
    return _first_of(_ordered(candidates, policy), wish, [])


def _look_for(policy: str) -> None:
    """A name that is mistyped is said before anything is measured, which may take a while."""
    from nitropilot.policy.files.formats import find_checkpoint
    from nitropilot.policy.naming import parse_random

    if parse_random(policy) is None:
        with suppress(OSError):  # which whoever reads it says better
            find_checkpoint(policy)


def _ordered(candidates: list[Backend], policy: str = "", *, measure: bool = True) -> list[Backend]:
    """The same, those on the processor by what they take for a chunk, if the policy fits."""
    here = [b for b in candidates if b.device == CPU and find_spec(b.engine)]
    speeds = _speeds(measure=measure) if len(here) > 1 else None
    if speeds is None:
        return candidates
    from nitropilot.engines.speeds import has_room  # as in _speeds

    room = not policy or has_room(policy)
    ranked = sorted(here, key=lambda b: speeds.best(b.engine, room))
    return [ranked.pop(0) if backend in here else backend for backend in candidates]


def _first_of(candidates: list[Backend], wish: Wish, skipped: list[str]) -> Engine:
    """The first candidate that works; ``skipped`` says why those before it did not."""
    chosen_by_user = wish.engine != "auto" or wish.device != "auto" or wish.server
    asked = "asked for" if chosen_by_user else "the fastest here"
    refusal: EngineUnavailable | None = None
    for number, backend in enumerate(candidates):
        chosen = replace(wish, engine=backend.engine, device=backend.device)
        rest = candidates[number + 1 :]
        try:
            module = _module(backend)
            what = module.available(backend.device)
            reason = "; ".join(
                [f"{asked} ({what})", *skipped, *_slower(backend, rest, wish.policy)]
            )
            engine = module.open_engine(chosen, reason)
        except EngineUnavailable as error:
            log.info("%s: %s", backend.label, error)
            skipped = [*skipped, f"not {backend.label}: {error}"]
            refusal = refusal or error
            continue
        except OutOfMemory as error:
            if not rest:
                raise
            log.warning("%s: %s; falling back to the next engine", backend.label, error)
            return _first_of(rest, wish, [*skipped, f"not {backend.label}: {error}"])
        return FallbackEngine(engine, _after(rest, wish, skipped)) if rest else engine
    assert refusal is not None
    if len(candidates) == 1:
        raise refusal
    raise EngineUnavailable("no engine works here: " + "; ".join(skipped), refusal.hint)


def _speeds(*, measure: bool) -> Speeds | None:
    from nitropilot.engines.speeds import speeds_here  # a rented card's machine lacks what it needs

    return speeds_here(measure=measure)


def _slower(chosen: Backend, rest: list[Backend], policy: str) -> list[str]:
    """What those that were measured to be slower on the processor would take, if they fit."""
    from nitropilot.engines.speeds import has_room, is_smaller  # as in _speeds

    if chosen.device != CPU or (speeds := _speeds(measure=False)) is None:
        return []
    others = [b for b in rest if b.device == CPU and b.engine in speeds.chunk_ms]
    room = has_room(policy)
    said = [
        f"{b.label} would take about {took:.0f} ms for the full policy"
        if (took := speeds.best(b.engine, room)) < math.inf
        else f"{b.label} computes in float32, which does not fit the free memory"
        for b in others
    ]
    if said and is_smaller(policy):
        said.append("this policy is smaller, and its own speed was not measured")
    return said


def _after(rest: list[Backend], wish: Wish, skipped: list[str]) -> Callable[[str], Engine]:
    """What to open when the engine before ``rest`` runs out of memory in mid-play."""
    return lambda why: _first_of(rest, wish, [*skipped, why])


def _check_words(wish: Wish) -> None:
    _one_of("engine", wish.engine, ("auto", *ENGINES))
    _one_of("device", wish.device, DEVICES)
    _one_of("precision", wish.precision, PRECISIONS)
    if wish.steps is not None:
        check_steps(wish.steps)
    if wish.max_batch < 1:
        raise EngineUnavailable(f"a batch of {wish.max_batch} was asked for", "use 1 or more")


def _one_of(what: str, word: str, words: tuple[str, ...]) -> None:
    if word not in words:
        raise EngineUnavailable(f"there is no {what} {quoted(word)}", f"use {', '.join(words)}")


def _matches(backend: Backend, wish: Wish) -> bool:
    if wish.engine == "auto" and wish.server:
        return backend.engine == "remote"
    if wish.engine == backend.engine:
        return wish.device == backend.device or (
            wish.device == "auto" and (backend.automatic or backend.device == "remote")
        )
    if wish.engine != "auto":
        return False
    return wish.device == backend.device or (wish.device == "auto" and backend.automatic)


def _module(backend: Backend) -> _Module:
    # Threads that wait busily for each other beside a game that wants the processor lose
    # their turns at every layer: seconds instead of milliseconds.  Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        return cast("_Module", importlib.import_module(backend.module))
    except ImportError as error:
        missing = error.name or backend.engine
        raise EngineUnavailable(f"{missing} is not installed", backend.needs) from None


def _report(backend: Backend) -> EngineReport:
    try:
        what = _module(backend).available(backend.device)
    except EngineUnavailable as error:
        return EngineReport(backend.label, False, str(error), error.hint)
    return EngineReport(backend.label, True, what)
