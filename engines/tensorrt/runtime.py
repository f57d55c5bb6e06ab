"""A plan on the card: deserialised, with its kernels, and ``Lane`` that runs one batch size."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.engines.errors import EngineError, InferenceFailed, OutOfMemory
from nitropilot.engines.tensorrt.plan_file import Plan, PlanRejected, find_plan, write_plan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.engines.batch import Batch
    from nitropilot.engines.tensorrt.cuda_driver import CudaDevice, CudaStream
    from nitropilot.engines.tensorrt.library import Library

log = logging.getLogger("nitropilot.engines")

INPUTS = ("images", "order", "noise", "prefix", "weights", "mix")
"""The fields of a ``Batch`` that are inputs of a plan, under the same names."""
OUTPUT = "actions"


class LoadedPlan:
    """A plan that the library has taken onto the card, which is current.

    Args:
        library: What built it.
        plan: The plan.

    Raises:
        EngineError: The library refuses it.
        OutOfMemory: The card has no room for it.
    """

    def __init__(self, library: Library, plan: Plan) -> None:
        self.library, self.spec = library, plan.spec
        library.journal.clear()
        self._runtime = library.module.Runtime(library.logger)
        self.engine = self._runtime.deserialize_cuda_engine(plan.content)
        if self.engine is None:
            raise library.journal.failure(f"{library.label} refuses the plan", "build it again")
        self._kernels = Kernels(library, plan, self.engine)

    def context(self, *, graphs: bool = False) -> Any:
        """The plan, ready to run.

        Args:
            graphs: Let the library record its own CUDA graph (``tensorrt_rtx``).

        Raises:
            EngineError, OutOfMemory: It cannot be made ready.
        """
        self.library.journal.clear()
        context = self._kernels.context(graphs)
        if context is None:
            raise self.library.journal.failure(f"{self.library.label} cannot run the plan")
        return context

    def keep_kernels(self) -> None:
        """Save what the library compiled for this card, for the next start."""
        self._kernels.keep()

    def failure(self, what: str) -> InferenceFailed:
        """The error for a call that just failed, with what the library said of it."""
        error = self.library.journal.failure(f"{self.library.label} {what}")
        return error if isinstance(error, InferenceFailed) else InferenceFailed(str(error))


class Kernels:
    """The runtime cache of ``tensorrt_rtx``; ``tensorrt`` has none, and this does nothing."""

    def __init__(self, library: Library, plan: Plan, engine: Any) -> None:
        self._trt, self._engine = library.module, engine
        self._spec = plan.spec
        self._key = dataclasses.replace(plan.key, kind="kernels")
        self._kept = b""
        self._config: Any = None
        if not hasattr(self._trt, "IRuntimeCache"):
            return
        self._config = engine.create_runtime_config()
        kinds = self._trt.DynamicShapesKernelSpecializationStrategy
        self._config.dynamic_shapes_kernel_specialization_strategy = kinds.EAGER
        self._cache = self._config.create_runtime_cache()
        self._load()
        self._config.set_runtime_cache(self._cache)

    def context(self, graphs: bool) -> Any:
        """An execution context, or None with an entry in the library's journal."""
        if self._config is None:
            return self._engine.create_execution_context()
        kinds = self._trt.CudaGraphStrategy
        self._config.cuda_graph_strategy = kinds.WHOLE_GRAPH_CAPTURE if graphs else kinds.DISABLED
        return self._engine.create_execution_context(runtime_config=self._config)

    def keep(self) -> None:
        """Write the cache, if it has grown."""
        if self._config is None:
            return
        content = bytes(memoryview(self._cache.serialize()))
        if content == self._kept:
            return
        try:
            write_plan(self._key.path, Plan(self._spec, self._key, content))
            self._kept = content
        except EngineError as error:  # the next start compiles again
            log.warning("%s", error)

    def _load(self) -> None:
        try:
            stored = find_plan(self._key)
        except PlanRejected as error:
            log.warning("%s; the kernels are compiled again", error.line())
            return
        if stored is None:
            return
        self._kept = bytes(stored.content)
        if not self._cache.deserialize(self._kept):
            log.info("the kept kernels are another card's or driver's: compiling them again")
            self._kept = b""


class Lane:
    """What it takes to run one batch size: a context, pinned memory and a recorded chunk.

    Args:
        plan: The loaded plan.
        device: The card, current.
        stream: Where everything is asked.
        batch: Sequences B.

    Attributes:
        how: ``CUDA graph``, or what runs instead.
    """

    def __init__(
        self, plan: LoadedPlan, device: CudaDevice, stream: CudaStream, batch: int
    ) -> None:
        self._plan, self._stream, self._batch = plan, stream, batch
        self._context = plan.context()
        shapes = self._shapes()
        self._host: dict[str, NDArray[Any]] = {}
        self._there: dict[str, int] = {}
        for name, shape in shapes.items():
            self._host[name] = device.pinned(shape, np.int32 if name == "order" else np.float32)
            self._there[name] = device.buffer(self._host[name].nbytes)
        self._bind(shapes)
        self._graph: Any = None
        self.how = "no CUDA graph"
        self._prepare(shapes)

    def run(self, batch: Batch) -> NDArray[Any]:
        """Compute; the result is valid until the next run.

        Raises:
            InferenceFailed: The card or the library failed.
        """
        for name in INPUTS:
            given, here = getattr(batch, name), self._host[name]
            here[: len(given)] = given
            here[len(given) :] = 0  # frames that do not exist
        if self._graph is None:
            self._enqueue()
        else:
            self._stream.launch(self._graph)
        self._stream.synchronise()
        return self._host[OUTPUT]

    def _prepare(self, shapes: dict[str, tuple[int, ...]]) -> None:
        """Run once, because libraries load and finish kernels in the first run; then record."""
        recordable = getattr(self._context, "is_stream_capturable", None)
        theirs = recordable is not None and not recordable(self._stream.handle)
        if theirs:
            self._context = self._plan.context(graphs=True)
            self._bind(shapes)
        self._enqueue()
        self._stream.synchronise()
        self._plan.keep_kernels()
        if theirs:
            self.how = "the library's CUDA graph"
            return
        try:
            self._graph = self._stream.capture(self._enqueue)
            self.how = "CUDA graph"
        except OutOfMemory:
            raise
        except InferenceFailed as error:
            log.warning("the chunk cannot be recorded, and runs call by call: %s", error)

    def _enqueue(self) -> None:
        """Ask the card for one chunk: copies in, the plan, the copy out."""
        for name in INPUTS:
            self._stream.copy_in(self._there[name], self._host[name])
        self._plan.library.journal.clear()
        if not self._context.execute_async_v3(self._stream.handle):
            raise self._plan.failure("failed")
        self._stream.copy_out(self._host[OUTPUT], self._there[OUTPUT])

    def _bind(self, shapes: dict[str, tuple[int, ...]]) -> None:
        """Tell the context the batch size and where everything lies."""
        self._plan.library.journal.clear()
        done = True
        if self._plan.engine.num_optimization_profiles > 1:
            profile = self._batch - 1
            done = self._context.set_optimization_profile_async(profile, self._stream.handle)
            self._stream.synchronise()
        for name in INPUTS:
            done = done and self._context.set_input_shape(name, shapes[name])
        for name, address in self._there.items():
            done = done and self._context.set_tensor_address(name, address)
        if not done:
            raise self._plan.failure(f"does not take a batch of {self._batch}")

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        spec, batch = self._plan.spec, self._batch
        chunk = (batch, spec.horizon, spec.action_dim)
        return {
            "images": (spec.frames, 3, spec.image_size, spec.image_size),
            "order": (batch, spec.sequence_length),
            "noise": chunk,
            "prefix": chunk,
            "weights": (batch, spec.horizon, 1),
            "mix": (batch, batch),
            OUTPUT: chunk,
        }
