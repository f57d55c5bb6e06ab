"""Stand-ins for ``tensorrt_rtx`` and ``tensorrt``, whose plans are ONNX models.

Building one checks what the builder was told and keeps the model; running one reads the
memory it was pointed at and computes with onnxruntime.  Only what the real libraries offer
is there: the data-centre library has no targets, no runtime cache and no validity check.
"""

from __future__ import annotations

import ctypes
import enum
import importlib.machinery
import json
import types
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.engines.tensorrt.fake_cuda import FakeDriver

MAGIC = b"FAKE PLAN\n"
HEADER = 64


class Severity(enum.Enum):
    """How bad a message is."""

    ERROR = 1
    INFO = 3


class ILogger:
    """What a logger inherits from."""


class ComputeCapability(enum.Enum):
    """Targets, as the RTX library lists them."""

    NONE = 0
    CURRENT = 1
    SM75 = 75
    SM89 = 89
    SM120 = 120


class EngineInvalidityDiagnostics(enum.Enum):
    """What may be wrong with a plan."""

    VERSION_MISMATCH = 1
    UNSUPPORTED_CC = 2
    MALFORMED_ENGINE = 32


class CudaGraphStrategy(enum.Enum):
    """Who records."""

    DISABLED = 0
    WHOLE_GRAPH_CAPTURE = 1


class DynamicShapesKernelSpecializationStrategy(enum.Enum):
    """When kernels are finished."""

    LAZY = 0
    EAGER = 1


class BuilderFlag(enum.IntEnum):
    """Options of a build."""

    TF32 = 1


class RtxBuilderFlag(enum.IntEnum):
    """Options of a build for RTX cards."""

    TF32 = 1
    REQUIRE_USER_ALLOCATION = 2


class NetworkDefinitionCreationFlag(enum.IntEnum):
    """Options of a network."""

    STRONGLY_TYPED = 1


class FakeTensorRT(types.ModuleType):
    """One of the two modules.

    Args:
        name: ``tensorrt_rtx`` or ``tensorrt``.
        driver: Whose memory and streams it uses.

    Attributes:
        refuses: What goes wrong, by the call's name: what the library says then.
        built: What each build was told.
        alive: Plans and contexts that are held.
        recordable: What ``is_stream_capturable`` says.
        wrong: Relative error of what it computes.
        compiled: Contexts that had to finish kernels, because no cache had them.
    """

    def __init__(self, name: str, driver: FakeDriver) -> None:
        super().__init__(name)
        self.__spec__ = importlib.machinery.ModuleSpec(name, None)
        self.__version__ = "1.2.3"
        self.driver = driver
        self.refuses: dict[str, str] = {}
        self.built: list[dict[str, Any]] = []
        self.alive: weakref.WeakSet[object] = weakref.WeakSet()
        self.recordable = True
        self.compiled = 0
        self.wrong = 0.0
        self.ILogger = ILogger
        self.NetworkDefinitionCreationFlag = NetworkDefinitionCreationFlag
        self.BuilderFlag: Any = BuilderFlag
        if name == "tensorrt_rtx":
            self.BuilderFlag = RtxBuilderFlag
            self.ComputeCapability = ComputeCapability
            self.IRuntimeCache = RuntimeCache
            self.CudaGraphStrategy = CudaGraphStrategy
            self.EngineInvalidityDiagnostics = EngineInvalidityDiagnostics
            kinds = DynamicShapesKernelSpecializationStrategy
            self.DynamicShapesKernelSpecializationStrategy = kinds

    def Builder(self, logger: Any) -> Builder:
        return Builder(self, logger)

    def OnnxParser(self, network: Network, logger: Any) -> Parser:
        return Parser(self, network, logger)

    def Runtime(self, logger: Any) -> Any:
        return (RtxRuntime if self.__name__ == "tensorrt_rtx" else Runtime)(self, logger)

    def fails(self, what: str, logger: Any) -> bool:
        """Whether a call is to fail; the library then says why."""
        if what not in self.refuses:
            return False
        logger.log(Severity.INFO, "this is no error")
        logger.log(Severity.ERROR, f"{self.refuses[what]}\nand a stack of details")
        logger.log(Severity.ERROR, "Error Code 4: a consequence")
        return True


class Builder:
    """Builds plans."""

    def __init__(self, trt: FakeTensorRT, logger: Any) -> None:
        self.trt, self.logger = trt, logger
        if trt.fails("Builder", logger):
            raise TypeError("factory function returned nullptr")

    def create_network(self, flags: int) -> Network:
        return Network(flags)

    def create_builder_config(self) -> Config:
        return Config(self.trt)

    def create_optimization_profile(self) -> Profile:
        return Profile()

    def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
        if self.trt.fails("build", self.logger):
            return None
        told = {
            "flags": network.flags,
            "set": sorted(config.flags),
            "target": config.target,
            "profiles": [profile.shapes for profile in config.profiles],
        }
        self.trt.built.append(told)
        head = MAGIC + json.dumps({"profiles": told["profiles"]}).encode() + b"\n"
        return head + network.model


class Network:
    """A parsed model."""

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.model = b""
        self.inputs: list[types.SimpleNamespace] = []

    @property
    def num_inputs(self) -> int:
        return len(self.inputs)

    def get_input(self, number: int) -> types.SimpleNamespace:
        return self.inputs[number]


class Parser:
    """Reads a model of one file."""

    def __init__(self, trt: FakeTensorRT, network: Network, logger: Any) -> None:
        self.trt, self.network, self.logger = trt, network, logger
        self.num_errors = 0

    def parse_from_file(self, path: str) -> bool:
        if self.trt.fails("parse", self.logger):
            self.num_errors = 1
            return False
        model = onnx.load(path)
        self.network.model = model.SerializeToString()
        for one in model.graph.input:
            sizes = tuple(d.dim_value or -1 for d in one.type.tensor_type.shape.dim)
            self.network.inputs.append(types.SimpleNamespace(name=one.name, shape=sizes))
        return True

    def get_error(self, number: int) -> types.SimpleNamespace:
        said = f"{self.trt.refuses['parse']}\nin detail"
        return types.SimpleNamespace(desc=lambda: said, node_operator=lambda: "Gelu")


class Config:
    """What a build is told."""

    def __init__(self, trt: FakeTensorRT) -> None:
        self.flags = {"TF32"}
        self.profiles: list[Profile] = []
        self.target = ""
        self.rtx = trt.__name__ == "tensorrt_rtx"
        self.num_compute_capabilities = 0

    def set_flag(self, flag: BuilderFlag) -> None:
        self.flags.add(flag.name)

    def clear_flag(self, flag: BuilderFlag) -> None:
        self.flags.discard(flag.name)

    def set_compute_capability(self, target: ComputeCapability, number: int) -> bool:
        assert self.rtx and number < self.num_compute_capabilities
        self.target = target.name
        return True

    def add_optimization_profile(self, profile: Profile) -> int:
        self.profiles.append(profile)
        return len(self.profiles) - 1


class Profile:
    """The shapes of one batch size."""

    def __init__(self) -> None:
        self.shapes: dict[str, list[int]] = {}

    def set_shape(self, name: str, least: Any, best: Any, most: Any) -> None:
        assert least == best == most
        self.shapes[name] = list(most)


class Runtime:
    """Takes plans."""

    def __init__(self, trt: FakeTensorRT, logger: Any) -> None:
        self.trt, self.logger = trt, logger

    def deserialize_cuda_engine(self, content: Any) -> FakeEngine | None:
        raw = bytes(content)
        if self.trt.fails("deserialize", self.logger) or not raw.startswith(MAGIC):
            return None
        return FakeEngine(self.trt, self.logger, raw)


class RtxRuntime(Runtime):
    """Looks at a plan's head first."""

    engine_header_size = HEADER

    def get_engine_validity(self, head: bytes) -> tuple[str, int]:
        assert len(head) <= HEADER
        if not head.startswith(MAGIC):
            return "INVALID", EngineInvalidityDiagnostics.MALFORMED_ENGINE.value
        return "VALID", 0


class FakeEngine:
    """A plan on the card."""

    def __init__(self, trt: FakeTensorRT, logger: Any, raw: bytes) -> None:
        self.trt, self.logger = trt, logger
        head, _, model = raw[len(MAGIC) :].partition(b"\n")
        self.profiles = json.loads(head)["profiles"]
        self.session = onnxruntime.InferenceSession(model)
        trt.alive.add(self)

    @property
    def num_optimization_profiles(self) -> int:
        return max(len(self.profiles), 1)

    def create_runtime_config(self) -> RuntimeConfig:
        return RuntimeConfig()

    def create_execution_context(self, **options: Any) -> Context | None:
        if self.trt.fails("context", self.logger):
            return None
        config = options.pop("runtime_config", None)
        assert not options
        if config is not None and not config.cache.kernels:
            self.trt.compiled += 1
        if config is not None:
            config.cache.kernels = b"kernels of " + self.trt.driver.target.encode()
        return (Context if config is None else RtxContext)(self, config)


class RuntimeConfig:
    """How a plan is to run."""

    def __init__(self) -> None:
        self.cuda_graph_strategy = CudaGraphStrategy.DISABLED
        self.dynamic_shapes_kernel_specialization_strategy = (
            DynamicShapesKernelSpecializationStrategy.LAZY
        )
        self.cache = RuntimeCache("")

    def create_runtime_cache(self) -> RuntimeCache:
        return RuntimeCache("")

    def set_runtime_cache(self, cache: RuntimeCache) -> bool:
        self.cache = cache
        return True


class RuntimeCache:
    """Finished kernels."""

    def __init__(self, kernels: str) -> None:
        self.kernels = kernels.encode()

    def serialize(self) -> bytes:
        return self.kernels

    def deserialize(self, content: bytes) -> bool:
        if content != b"kernels of sm89":
            return False
        self.kernels = content
        return True


class Context:
    """A plan, ready to run."""

    def __init__(self, engine: FakeEngine, config: RuntimeConfig | None) -> None:
        self.engine, self.trt = engine, engine.trt
        self.graphs = config is not None and config.cuda_graph_strategy
        self.profile = 0
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}
        self.trt.alive.add(self)

    def set_optimization_profile_async(self, number: int, stream: int) -> bool:
        self.profile = number
        return number < self.engine.num_optimization_profiles

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shapes[name] = shape
        if not self.engine.profiles:
            wanted = {one.name: tuple(one.shape) for one in self.engine.session.get_inputs()}
            return wanted[name] == shape
        return tuple(self.engine.profiles[self.profile][name]) == shape

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return address in self.trt.driver.memory

    def execute_async_v3(self, stream: int) -> bool:
        if self.trt.fails("execute", self.engine.logger):
            return False
        self.trt.driver.enqueue(stream, self._compute)
        return True

    def _compute(self) -> None:
        session = self.engine.session
        given = {
            one.name: _at(self.addresses[one.name], self.shapes[one.name], one.type)
            for one in session.get_inputs()
        }
        (answer,) = session.run(None, given)
        there = _at(self.addresses["actions"], answer.shape, "tensor(float)")
        there[:] = answer * np.float32(1 + self.trt.wrong)


class RtxContext(Context):
    """Of the RTX library."""

    def is_stream_capturable(self, stream: int) -> bool:
        return self.trt.recordable


def _at(address: int, shape: tuple[int, ...], kind: str) -> NDArray[Any]:
    """The array at an address."""
    dtype = np.int32 if kind == "tensor(int32)" else np.float32
    size = int(np.prod(shape)) * 4
    view = (ctypes.c_uint8 * size).from_address(address)
    array: NDArray[Any] = np.ctypeslib.as_array(view).view(dtype).reshape(shape)
    return array
