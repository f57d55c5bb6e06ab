"""``build_plans``: compile a policy for cards, which need not be in this machine.

``tensorrt_rtx`` builds for ``sm80`` to ``sm121`` on any machine, ``tensorrt`` for the card
that is here.  A plan computes a whole chunk at once (see ``onnx_export``): one profile for
one sequence, and for policies that know games another one for two (guidance).  Everything
is strongly typed: what the model says in bfloat16 is computed so, and float32 is float32.
"""

from __future__ import annotations

import importlib.util
import logging
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.engines.errors import EngineError, EngineUnavailable
from nitropilot.engines.fingerprint import fingerprint_of
from nitropilot.engines.onnx.graph_version import graph_version
from nitropilot.engines.tensorrt.cuda_driver import CudaDevice
from nitropilot.engines.tensorrt.library import INSTALL, RTX, Library, library_for
from nitropilot.engines.tensorrt.plan_file import Plan, PlanKey, plans_folder, prune, write_plan
from nitropilot.engines.tensorrt.plan_probe import probe_answer
from nitropilot.policy.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.engines.base import Array, PolicySpec

    Progress = Callable[[str, float], None]

log = logging.getLogger("nitropilot.engines")

CURRENT = "current"
OLDEST = {"bfloat16": 80, "float32": 80, "int8": 80, "fp8": 89}
"""The first compute capability whose units compute in a precision."""


@dataclass(frozen=True)
class BuiltPlan:
    """A plan that was built.

    Attributes:
        target: The card it is for, as in ``sm89``.
        path: Where it is.
        seconds: What building took, without writing the model before it.
        bytes: The file's size.
        precision: What it computes in.
    """

    target: str
    path: Path
    seconds: float
    bytes: int
    precision: str


def build_plans(
    policy: str,
    targets: Sequence[str],
    precision: str = "auto",
    out_dir: Path | None = None,
    progress: Progress | None = None,
    frames: Array | None = None,
) -> list[BuiltPlan]:
    """Compile a policy for one card after another.

    Args:
        policy: A checkpoint's path, or ``random:SIZE[:SEED]``.
        targets: ``sm80``, ``sm86``, ``sm89``, ``sm120`` and so on, or ``current``.
        precision: ``auto`` (bfloat16), or a name of ``OLDEST``.
        out_dir: Where the plans go; None for the cache, where a start looks for them.
        progress: Is told what is being done and how much of all is done, from 0 to 1.
        frames: As for ``export_onnx``.

    Raises:
        EngineUnavailable: No library, no such target, or a card that cannot compute so.
        CheckpointError, PolicyError: The policy cannot be loaded.
        EngineError: The library refuses the model, or the disk is full.
    """
    precision = "bfloat16" if precision == "auto" else precision
    resolved = [_resolved(target, precision) for target in dict.fromkeys(targets)]
    if not resolved:
        raise EngineUnavailable("no target was named", "name sm89, say, or current")
    if not importlib.util.find_spec("onnx"):
        raise EngineUnavailable("onnx is not installed", INSTALL)
    fingerprint = fingerprint_of(policy)
    tell = progress or _quiet
    folder = plans_folder() if out_dir is None else _made(out_dir)
    plans = []
    with tempfile.TemporaryDirectory(prefix=".model-", dir=plans_folder()) as workspace:
        model = Path(workspace) / "chunk.onnx"
        tell("writing the model", 0.0)
        spec, probe = _write_model(policy, model, precision, frames)
        for number, (target, library) in enumerate(resolved, 1):
            tell(f"building for {target}", number / (len(resolved) + 1))
            began = time.perf_counter()
            content = compile_model(library, model, target)
            seconds = time.perf_counter() - began
            check_plan(library, content)
            key = plan_key(fingerprint, precision, target, library)
            path = folder / key.file_name
            size = write_plan(path, Plan(spec, key, content, probe))
            log.info("built %s in %.1f s (%.0f MB)", path, seconds, size / 1e6)
            plans.append(BuiltPlan(target, path, seconds, size, precision))
    prune()
    tell("done", 1.0)
    return plans


def plan_key(fingerprint: str, precision: str, target: str, library: Library) -> PlanKey:
    """What a plan is kept under."""
    here = f"{sys.platform}-{platform.machine()}".lower()
    return PlanKey(
        fingerprint, precision, target, library.name, library.version, graph_version(), here
    )


def compile_model(library: Library, model: Path, target: str) -> memoryview:
    """Compile an ONNX model; see ``onnx_export`` for its inputs.

    Raises:
        EngineError: The library cannot read it, or cannot build it for this target.
        OutOfMemory: It has not enough memory.
    """
    trt, what = library.module, f"{library.label} cannot build for {target}"
    library.journal.clear()
    try:
        builder = trt.Builder(library.logger)
        network = builder.create_network(_network_flags(trt))
        parser = trt.OnnxParser(network, library.logger)
        if not parser.parse_from_file(str(model)):
            raise EngineError(f"{library.label} cannot read the model: {_complaint(parser)}")
        config = builder.create_builder_config()
        _set_up(library, builder, network, config, target)
        content = builder.build_serialized_network(network, config)
    except (RuntimeError, TypeError) as error:  # a library that found no driver, say
        library.journal.note("ERROR", str(error))
        raise library.journal.failure(what) from error
    if content is None:
        raise library.journal.failure(what, "another precision may do")
    return memoryview(content)


def _complaint(parser: Any) -> str:
    """The parser's first words, and the operator that it speaks of."""
    if not parser.num_errors:
        return "it gives no reason"
    error = parser.get_error(0)
    operator = error.node_operator()
    return f"{error.desc().splitlines()[0]}{f' (at {operator})' if operator else ''}"


def check_plan(library: Library, content: memoryview | bytes) -> None:
    """Let the library look at a plan's head, as far as it does so without a card.

    Raises:
        EngineError: It is not one, or was built by another version.
    """
    runtime = library.module.Runtime(library.logger)
    if not hasattr(runtime, "get_engine_validity"):
        return
    flaws = library.module.EngineInvalidityDiagnostics
    _, found = runtime.get_engine_validity(bytes(content[: runtime.engine_header_size]))
    for flaw in (flaws.MALFORMED_ENGINE, flaws.VERSION_MISMATCH, flaws.UNSUPPORTED_CC):
        if int(found) & flaw.value:
            raise EngineError(f"{library.label} refuses the plan: {flaw.name}", "build it again")


def _resolved(target: str, precision: str) -> tuple[str, Library]:
    """The target's own name and the library that builds for it."""
    if precision not in OLDEST:
        raise EngineUnavailable(
            f"TensorRT does not compute in {quoted(precision)}", f"use {', '.join(OLDEST)}"
        )
    here = ""
    if target == CURRENT:
        target = here = CudaDevice().target
    library = library_for(target)
    known = target in library.targets or target == (here or _target_here())
    if not (target and known):
        ready = [*(t for t in library.targets if computes(t, precision)), CURRENT]
        raise EngineUnavailable(
            f"{library.label} cannot build for {quoted(target)} here", f"use {', '.join(ready)}"
        )
    if not computes(target, precision):
        raise EngineUnavailable(
            f"{target} does not compute in {precision}, sm{OLDEST[precision]} and later do",
            "use bfloat16" if precision == "fp8" else "use --engine torch",
        )
    return target, library


def computes(target: str, precision: str) -> bool:
    """Whether the cards of a target compute in a precision."""
    return int(target.removeprefix("sm")) >= OLDEST[precision]


def _target_here() -> str:
    try:
        return CudaDevice().target
    except EngineUnavailable:
        return ""


def _write_model(
    policy: str, path: Path, precision: str, frames: Array | None
) -> tuple[PolicySpec, tuple[float, ...]]:
    """Write the model; returns what it is of, and what the policy answers to the probe."""
    import torch  # only now: a start that finds its plan does without

    from nitropilot.engines.onnx.export import ChunkGraph, export_graph
    from nitropilot.policy import open_policy

    dtype = torch.float32 if precision == "float32" else torch.bfloat16
    opened = open_policy(policy)
    graph = ChunkGraph(opened, dtype)
    probe = probe_answer(opened, graph.spec)
    del opened  # 2 GB
    export_graph(graph, path, precision, frames)
    return graph.spec, probe


def _network_flags(trt: Any) -> int:
    """Strongly typed; newer libraries are always so."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _set_up(library: Library, builder: Any, network: Any, config: Any, target: str) -> None:
    """One profile for each batch, the target, and no silent rounding of float32."""
    trt = library.module
    config.clear_flag(trt.BuilderFlag.TF32)
    # Without it the library may allocate while it runs, which no CUDA graph can record.
    if hasattr(trt.BuilderFlag, "REQUIRE_USER_ALLOCATION"):
        config.set_flag(trt.BuilderFlag.REQUIRE_USER_ALLOCATION)
    if library.name == RTX:
        kind = target.upper() if target in library.targets else "CURRENT"
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, kind), 0)
    inputs = [network.get_input(number) for number in range(network.num_inputs)]
    if any(-1 in tuple(one.shape) for one in inputs):
        for batch in (1, 2):
            profile = builder.create_optimization_profile()
            for one in inputs:
                shape = tuple(batch if size == -1 else size for size in one.shape)
                profile.set_shape(one.name, shape, shape, shape)
            config.add_optimization_profile(profile)


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"cannot make the folder {folder}: {error.strerror}") from None
    return folder


def _quiet(what: str, done: float) -> None:
    log.debug("%s (%.0f %%)", what, 100 * done)
