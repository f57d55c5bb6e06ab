"""The few calls of the CUDA driver that an engine needs: memory, a stream, a graph.

Through ``cuda-bindings`` and the driver alone, so that a player needs neither the CUDA
toolkit nor a CUDA build of torch.  Importing this module loads neither.
"""

from __future__ import annotations

import ctypes
import importlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.engines.errors import EngineUnavailable, InferenceFailed, OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import DTypeLike, NDArray

SUCCESS, OUT_OF_MEMORY = 0, 2
NAME_BYTES = 128
NON_BLOCKING = 1
INSTALL = "pip install 'nitropilot[tensorrt]'"


class CudaDevice:
    """The first NVIDIA card, through its primary context (which other libraries share).

    All that it hands out is freed by ``close``.

    Attributes:
        name: As in ``NVIDIA GeForce RTX 4090``.
        target: Its compute capability, as in ``sm89``.

    Raises:
        EngineUnavailable: There is no driver or no card.
    """

    def __init__(self) -> None:
        self._driver = _load()
        self._device = self._opened()
        name: bytes = self._call("cuDeviceGetName", NAME_BYTES, self._device)
        self.name = name.split(b"\0")[0].decode(errors="replace")
        self.target = f"sm{self._attribute('MAJOR')}{self._attribute('MINOR')}"
        self._context: Any = None
        self._frees: list[Callable[[], None]] = []

    @contextmanager
    def current(self) -> Iterator[None]:
        """The device is the calling thread's within the block."""
        if self._context is None:
            self._context = self._call("cuDevicePrimaryCtxRetain", self._device)
        self._call("cuCtxPushCurrent", self._context)
        try:
            yield
        finally:
            self._call("cuCtxPopCurrent")

    def buffer(self, size: int) -> int:
        """Address of ``size`` bytes on the device."""
        pointer = self._call("cuMemAlloc", size)
        self._frees.append(lambda: self._call("cuMemFree", pointer))
        return int(pointer)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array of zeros in the host's memory that the device can copy by itself."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        address = int(self._call("cuMemHostAlloc", size, 0))
        self._frees.append(lambda: self._call("cuMemFreeHost", address))
        ctypes.memset(address, 0, size)
        view = (ctypes.c_uint8 * size).from_address(address)
        array: NDArray[Any] = np.ctypeslib.as_array(view).view(dtype).reshape(shape)
        return array

    def stream(self) -> CudaStream:
        """A new stream of work."""
        handle = self._call("cuStreamCreate", NON_BLOCKING)
        self._frees.append(lambda: self._call("cuStreamDestroy", handle))
        return CudaStream(self._call, self._driver, handle, self._frees)

    def close(self) -> None:
        """Free everything.  Safe to call twice; failures (a lost card) end it silently."""
        if self._context is None:
            return
        frees, self._frees[:] = self._frees[::-1], []
        with suppress(InferenceFailed):  # a lost card has freed everything already
            with self.current():
                for free in frees:
                    free()
            self._call("cuDevicePrimaryCtxRelease", self._device)
        self._context = None

    def _opened(self) -> Any:
        try:
            self._call("cuInit", 0)
            if self._call("cuDeviceGetCount") == 0:
                raise InferenceFailed("no device")
            return self._call("cuDeviceGet", 0)
        except InferenceFailed as error:
            raise EngineUnavailable(
                f"the NVIDIA driver finds no card: {error}",
                "check that nvidia-smi shows it; CUDA_VISIBLE_DEVICES may hide it",
            ) from None
        except RuntimeError:  # what cuda-bindings raises where libcuda is missing
            raise EngineUnavailable(
                "there is no NVIDIA driver here (libcuda was not found)",
                "install the driver for your card, or use another engine",
            ) from None

    def _attribute(self, part: str) -> int:
        kinds = self._driver.CUdevice_attribute
        kind = getattr(kinds, f"CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_{part}")
        return int(self._call("cuDeviceGetAttribute", kind, self._device))

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call the driver; its result, if it has one.

        Raises:
            InferenceFailed, OutOfMemory: It reports an error.
        """
        error, *results = getattr(self._driver, name)(*arguments)
        if int(error) != SUCCESS:
            kind = OutOfMemory if int(error) == OUT_OF_MEMORY else InferenceFailed
            raise kind(f"{name}: {getattr(error, 'name', error)}")
        return results[0] if results else None


class CudaStream:
    """Work that the device does in the order in which it was asked.  Made by ``CudaDevice``."""

    def __init__(
        self,
        call: Callable[..., Any],
        driver: Any,
        handle: Any,
        frees: list[Callable[[], None]],
    ) -> None:
        self._call = call
        self._modes = driver.CUstreamCaptureMode
        self._stream = handle
        self._frees = frees

    @property
    def handle(self) -> int:
        """What other libraries know it by."""
        return int(self._stream)

    def copy_in(self, to: int, array: NDArray[Any]) -> None:
        """Copy a pinned array to the device."""
        self._call("cuMemcpyHtoDAsync", to, array.ctypes.data, array.nbytes, self._stream)

    def copy_out(self, array: NDArray[Any], source: int) -> None:
        """Copy from the device to a pinned array."""
        self._call("cuMemcpyDtoHAsync", array.ctypes.data, source, array.nbytes, self._stream)

    def synchronise(self) -> None:
        """Wait until everything is done."""
        self._call("cuStreamSynchronize", self._stream)

    def capture(self, work: Callable[[], None]) -> Any:
        """Record what ``work`` asks of this stream, without doing it; ``launch`` does it."""
        # In this mode another thread (torch, another game) may allocate meanwhile.
        mode = self._modes.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._call("cuStreamBeginCapture", self._stream, mode)
        try:
            work()
        except BaseException:
            with suppress(InferenceFailed):  # what went wrong has spoilt the capture as well
                self._call("cuStreamEndCapture", self._stream)
            raise
        graph = self._call("cuStreamEndCapture", self._stream)
        try:
            ready = self._call("cuGraphInstantiate", graph, 0)
        finally:
            self._call("cuGraphDestroy", graph)
        self._frees.append(lambda: self._call("cuGraphExecDestroy", ready))
        return ready

    def launch(self, graph: Any) -> None:
        """Do what was recorded."""
        self._call("cuGraphLaunch", graph, self._stream)


def _load() -> Any:
    try:
        return importlib.import_module("cuda.bindings.driver")
    except ImportError:
        raise EngineUnavailable("cuda-bindings is not installed", INSTALL) from None
