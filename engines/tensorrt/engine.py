"""``TensorRTEngine``: a chunk as one CUDA graph around one call of a compiled plan.

A start finds the policy's plan in the cache, or builds it (a minute for the published
policy); with a plan neither torch nor the checkpoint is read.  First of all the probe is
computed, whose answer is known (``plan_probe``).  Inputs wait in pinned
memory; copying them, all K steps and copying the actions back are recorded once for each
batch size and replayed with one launch.  ``tensorrt_rtx`` finishes its kernels on the card
when a plan is made ready; they are kept beside the plan for the next start.

Tested against stand-ins for the driver and the library, which record, copy and compute
for real; it has not been run on a card yet.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from typing import TYPE_CHECKING

from nitropilot.engines.base import ActionChunk, Engine, EngineInfo
from nitropilot.engines.batch import chunks_of, make_batch
from nitropilot.engines.errors import (
    EngineError,
    EngineUnavailable,
    InferenceFailed,
    OutOfMemory,
    WrongResult,
)
from nitropilot.engines.fingerprint import fingerprint_of
from nitropilot.engines.tensorrt.apart import build_apart
from nitropilot.engines.tensorrt.build import OLDEST, check_plan, computes, plan_key
from nitropilot.engines.tensorrt.cuda_driver import CudaDevice
from nitropilot.engines.tensorrt.library import (
    INSTALL_DATA_CENTRE,
    RTX,
    Library,
    library_for,
    require_installed,
)
from nitropilot.engines.tensorrt.plan_file import Plan, find_plan
from nitropilot.engines.tensorrt.plan_probe import ALLOWED_ERROR, probe_request, relative_error
from nitropilot.engines.tensorrt.runtime import Lane, LoadedPlan
from nitropilot.policy.naming import title_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.engines.base import Request
    from nitropilot.engines.tensorrt.plan_file import PlanKey
    from nitropilot.engines.wish import Wish

log = logging.getLogger("nitropilot.engines")


class TensorRTEngine(Engine):
    """Runs a plan on the first NVIDIA card, one request at a time.

    Args:
        plan: The compiled policy.
        library: What built it.
        device: The card; closed with the engine.
        reason: Why this engine was chosen.

    Raises:
        WrongResult: What it computes is not what the policy samples.
        EngineError: The library refuses the plan, or the card fails.
        OutOfMemory: It does not fit.
    """

    def __init__(
        self, plan: Plan, library: Library, device: CudaDevice, reason: str = "asked for"
    ) -> None:
        self.spec = plan.spec
        self._device = device
        self._lanes: dict[int, Lane] = {}
        self._plan: LoadedPlan | None = None
        try:
            check_plan(library, plan.content)
            with device.current():
                self._stream = device.stream()
                self._plan = LoadedPlan(library, plan)
                how = self._lane(1).how
                error = self._probe(plan, library)
        except BaseException:
            self.close()
            raise
        place = f"cuda ({device.name}), {how}"
        reason = f"{reason}; {library.label}"
        precision = f"{plan.key.precision} (error {error:.1e})"
        self.info = EngineInfo("tensorrt", place, precision, reason)

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``; the first guided request prepares a second batch size."""
        if self._plan is None:
            raise InferenceFailed("the engine is closed", "load the policy again")
        began = time.perf_counter()
        batch = make_batch(self.spec, requests, self.max_batch)
        ready = time.perf_counter()
        with self._device.current():
            actions = self._lane(len(batch.order)).run(batch)
        seconds = {"preprocess": ready - began, "inference": time.perf_counter() - ready}
        return chunks_of(actions, batch.size, seconds)

    def close(self) -> None:
        """Free everything on the card."""
        try:
            with self._device.current():  # what the library holds goes before its context
                self._lanes.clear()
                self._plan = None
        except InferenceFailed as error:
            log.warning("while closing the engine: %s", error)
        self._device.close()

    def _probe(self, plan: Plan, library: Library) -> float:
        """The relative error of the plan on the probe, if it is one that its precision explains."""
        actions = self._lane(1).run(make_batch(self.spec, [probe_request(self.spec)], 1))[0]
        error, allowed = relative_error(actions, plan.probe), ALLOWED_ERROR[plan.key.precision]
        if not error <= allowed:  # nan is no error that is allowed
            raise WrongResult(
                f"{library.label} computes this policy in {plan.key.precision} on "
                f"{self._device.name} with a relative error of {error:.1e}, allowed are "
                f"{allowed:.0e}",
                "use --engine torch, or another --precision",
            )
        return error

    def _lane(self, batch: int) -> Lane:
        """What runs ``batch`` sequences, made when first asked for."""
        assert self._plan is not None
        if batch not in self._lanes:
            self._lanes[batch] = Lane(self._plan, self._device, self._stream, batch)
        return self._lanes[batch]


def available(device: str) -> str:
    """The card and the library.

    Raises:
        EngineUnavailable: There is no card, no driver or no library that serves the card.
    """
    card, library = _parts()
    return f"{card.name}, {library.label}"


def open_engine(wish: Wish, reason: str) -> TensorRTEngine:
    """The policy on the first card; builds its plan where the cache has none.

    Raises:
        EngineUnavailable: No card, driver or library; a precision that the card does not
            compute in; or the library refuses the policy.
        WrongResult: It computes something else.
        OutOfMemory: It does not fit.
    """
    card, library = _parts()
    if wish.steps is not None:
        raise EngineUnavailable(
            "plans of tensorrt take the policy's own steps alone",
            "leave --steps out, or use --engine torch",
        )
    precision = "bfloat16" if wish.precision == "auto" else wish.precision
    if precision not in OLDEST or not computes(card.target, precision):
        raise EngineUnavailable(
            f"tensorrt on {card.name} ({card.target}) does not compute in {precision}",
            f"use {', '.join(p for p in OLDEST if computes(card.target, p)) or 'another engine'}",
        )
    try:
        key = plan_key(fingerprint_of(wish.policy), precision, card.target, library)
        plan = find_plan(key)
        if plan is not None:
            try:
                return TensorRTEngine(_named(plan, wish.policy), library, card, reason)
            except (EngineUnavailable, OutOfMemory):
                raise
            except EngineError as error:  # of another driver, say
                log.warning("%s: building it again", error)
                card = CudaDevice()
        return TensorRTEngine(_built(wish.policy, key), library, card, reason)
    except (EngineUnavailable, OutOfMemory):
        raise
    except EngineError as error:  # so that another engine may try
        raise EngineUnavailable(str(error), error.hint) from error


def _parts() -> tuple[CudaDevice, Library]:
    """The card and the library that serves it."""
    require_installed()
    card = CudaDevice()
    library = library_for(card.target)
    if library.name == RTX and card.target not in library.targets:
        raise EngineUnavailable(
            f"{library.label} does not serve {card.name} ({card.target})",
            f"{INSTALL_DATA_CENTRE}, which is for data-centre cards",
        )
    return card, library


def _built(policy: str, key: PlanKey) -> Plan:
    """Build the plan for ``key`` into the cache and read it back."""
    build_apart(policy, key.target, key.precision)
    plan = find_plan(key)
    if plan is None:
        raise EngineError(f"the plan {key.path} was gone as soon as it was built")
    return _named(plan, policy)


def _named(plan: Plan, policy: str) -> Plan:
    """The plan under the name that the same policy has today."""
    if plan.spec.is_random:
        name = plan.spec.name
        log.warning("%s has random weights: it presses buttons, it does not play", name)
        return plan
    return dataclasses.replace(plan, spec=dataclasses.replace(plan.spec, name=title_of(policy)))
