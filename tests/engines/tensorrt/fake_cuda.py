"""A stand-in for ``cuda.bindings.driver``: its calls, over the processor's own memory.

Memory is really allocated, copied and freed; a stream really does its work when it is
waited for, and a capturing one only notes it.  What the real driver would punish with a
crash or a lost context is an error here: an address nobody allocated, memory freed twice,
a call without a current context.
"""

from __future__ import annotations

import ctypes
import enum
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class CUresult(enum.IntEnum):
    """The errors that are used here."""

    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_NO_DEVICE = 100
    CUDA_ERROR_INVALID_CONTEXT = 201
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900
    CUDA_ERROR_LAUNCH_FAILED = 719


class CUdevice_attribute(enum.Enum):
    """What can be asked of a device."""

    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75
    CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76


class CUstreamCaptureMode(enum.Enum):
    """Ways to capture."""

    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1


OK = CUresult.CUDA_SUCCESS
Result = tuple[Any, ...]


class FakeDriver(types.ModuleType):
    """The module.

    Args:
        target: Compute capability of its card; "" for a machine without one.

    Attributes:
        fails: Calls that report an error, by name.
        calls: Names of all calls, in order.
    """

    CUresult = CUresult
    CUdevice_attribute = CUdevice_attribute
    CUstreamCaptureMode = CUstreamCaptureMode

    def __init__(self, target: str = "sm89") -> None:
        super().__init__("cuda.bindings.driver")
        self.target = target
        self.fails: dict[str, CUresult] = {}
        self.calls: list[str] = []
        self.memory: dict[int, Any] = {}
        self.pinned: dict[int, Any] = {}
        self.streams: dict[int, list[Callable[[], None]]] = {}
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.recording: dict[int, list[Callable[[], None]]] = {}
        self.retained = 0
        self.stack: list[str] = []
        self._next = 1000

    def __getattribute__(self, name: str) -> Any:
        """Every call is counted, may be made to fail, and most need a current context."""
        found = super().__getattribute__(name)
        if not name.startswith("cu"):
            return found

        def call(*arguments: Any) -> Result:
            self.calls.append(name)
            if name in self.fails:
                return (self.fails[name], *[None] * 1)
            if name in NEED_CONTEXT and not self.stack:
                return (CUresult.CUDA_ERROR_INVALID_CONTEXT, None)
            result: Result = found(*arguments)
            return result

        return call

    @property
    def live(self) -> int:
        """Things that were made and not freed."""
        held = (self.memory, self.pinned, self.streams, self.graphs)
        return sum(len(things) for things in held) + self.retained + len(self.stack)

    def enqueue(self, stream: int, work: Callable[[], None]) -> None:
        """Put work on a stream, as a library does."""
        assert self.stack, "no current context"
        if stream in self.recording:
            self.recording[stream].append(work)
        else:
            self.streams[stream].append(work)

    # What follows has the driver's names.

    def cuInit(self, flags: int) -> Result:
        return (OK,) if self.target else (CUresult.CUDA_ERROR_NO_DEVICE,)

    def cuDeviceGetCount(self) -> Result:
        return OK, 1

    def cuDeviceGet(self, number: int) -> Result:
        return OK, number

    def cuDeviceGetName(self, size: int, device: int) -> Result:
        return OK, b"Fake Card 4090".ljust(size, b"\0")

    def cuDeviceGetAttribute(self, kind: CUdevice_attribute, device: int) -> Result:
        number = int(self.target.removeprefix("sm"))
        return OK, number // 10 if kind.name.endswith("MAJOR") else number % 10

    def cuDevicePrimaryCtxRetain(self, device: int) -> Result:
        self.retained += 1
        return OK, "primary"

    def cuDevicePrimaryCtxRelease(self, device: int) -> Result:
        self.retained -= 1
        return (OK,)

    def cuCtxPushCurrent(self, context: str) -> Result:
        self.stack.append(context)
        return (OK,)

    def cuCtxPopCurrent(self) -> Result:
        return OK, self.stack.pop()

    def cuMemAlloc(self, size: int) -> Result:
        return OK, self._allocate(self.memory, size)

    def cuMemFree(self, address: int) -> Result:
        del self.memory[address]
        return (OK,)

    def cuMemHostAlloc(self, size: int, flags: int) -> Result:
        return OK, self._allocate(self.pinned, size)

    def cuMemFreeHost(self, address: int) -> Result:
        del self.pinned[address]
        return (OK,)

    def cuStreamCreate(self, flags: int) -> Result:
        self._next += 1
        self.streams[self._next] = []
        return OK, self._next

    def cuStreamDestroy(self, stream: int) -> Result:
        del self.streams[stream]
        return (OK,)

    def cuStreamSynchronize(self, stream: int) -> Result:
        if stream in self.recording:
            return (CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,)
        work, self.streams[stream] = self.streams[stream], []
        for one in work:
            one()
        return (OK,)

    def cuMemcpyHtoDAsync(self, to: int, source: int, size: int, stream: int) -> Result:
        return self._copy(to, self.memory, source, self.pinned, size, stream)

    def cuMemcpyDtoHAsync(self, to: int, source: int, size: int, stream: int) -> Result:
        return self._copy(to, self.pinned, source, self.memory, size, stream)

    def cuStreamBeginCapture(self, stream: int, mode: CUstreamCaptureMode) -> Result:
        assert stream in self.streams
        self.recording[stream] = []
        return (OK,)

    def cuStreamEndCapture(self, stream: int) -> Result:
        self._next += 1
        self.graphs[self._next] = self.recording.pop(stream)
        return OK, self._next

    def cuGraphInstantiate(self, graph: int, flags: int) -> Result:
        self._next += 1
        self.graphs[self._next] = list(self.graphs[graph])
        return OK, self._next

    def cuGraphDestroy(self, graph: int) -> Result:
        del self.graphs[graph]
        return (OK,)

    def cuGraphExecDestroy(self, graph: int) -> Result:
        del self.graphs[graph]
        return (OK,)

    def cuGraphLaunch(self, graph: int, stream: int) -> Result:
        for work in self.graphs[graph]:
            self.enqueue(stream, work)
        return (OK,)

    def _allocate(self, kind: dict[int, Any], size: int) -> int:
        block = (ctypes.c_uint8 * size)(*[0xAA] * min(size, 64))  # never zeros
        kind[ctypes.addressof(block)] = block
        return ctypes.addressof(block)

    def _copy(
        self, to: int, known: dict[int, Any], source: int, others: dict[int, Any], size: int,
        stream: int,
    ) -> Result:  # fmt: skip
        if len(known.get(to, ())) < size or len(others.get(source, ())) < size:
            return (CUresult.CUDA_ERROR_INVALID_VALUE,)
        self.enqueue(stream, lambda: ctypes.memmove(to, source, size) and None)
        return (OK,)


NEED_CONTEXT = {
    name for name in vars(FakeDriver) if name.startswith(("cuMem", "cuStream", "cuGraph"))
}
