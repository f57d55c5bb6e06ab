"""A stand-in for ``torch.cuda`` that computes on the processor.

A captured graph is a list of the operators that torch ran, with the very tensors that they
read and wrote; a replay runs them again and writes into the same memory.  So a graph that
depends on anything but its static buffers gives wrong answers here, as it would on a card.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

NAME = "Recorded Card"


class _Recording(TorchDispatchMode):
    """Notes every operator that runs, and every event."""

    now: _Recording | None = None

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, out))
        return out


class Graph:
    """What a capture leaves."""

    replays = 0

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Any, Any, Any]] = []

    def replay(self) -> None:
        """Run it all again, into the same memory."""
        type(self).replays += 1
        for func, args, kwargs, out in self.calls:
            again = func(*args, **kwargs)
            for old, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


class Mark:
    """An event; each is a millisecond after the one before.

    One that is recorded in a graph gets its time when the graph is replayed, and has none
    at all if it is not ``external``: CUDA says so.
    """

    now = 0.0

    def __init__(self, enable_timing: bool = False, external: bool = False) -> None:
        assert enable_timing
        self.external = external

    def record(self) -> None:
        """Take the time, or let a graph take it."""
        if _Recording.now is None:
            self._take()
        elif self.external:
            _Recording.now.calls.append((self._take, (), {}, None))

    def _take(self) -> None:
        Mark.now += 1.0
        self.at = Mark.now

    def elapsed_time(self, other: Mark) -> float:
        """Milliseconds until ``other``."""
        return other.at - self.at


@contextmanager
def _capture(graph: Graph, capture_error_mode: str = "global") -> Iterator[None]:
    assert capture_error_mode == "thread_local"
    with _Recording() as recording:
        _Recording.now = recording
        try:
            yield
        finally:
            _Recording.now = None
    graph.calls = recording.calls


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put it in the place of ``torch.cuda`` until the test ends."""
    stream = SimpleNamespace(wait_stream=lambda other: None, synchronize=lambda: None)
    for name, stand_in in {
        "is_available": lambda: True,
        "get_device_name": lambda device=None: NAME,
        "device": lambda device: nullcontext(),
        "current_stream": lambda: stream,
        "Stream": lambda: stream,
        "stream": lambda stream: nullcontext(),
        "CUDAGraph": Graph,
        "graph": _capture,
        "Event": Mark,
        "empty_cache": lambda: None,
        "synchronize": lambda: None,
        "memory_allocated": lambda: 0,
        "get_rng_state": lambda: None,  # torch.compile keeps it
        "set_rng_state": lambda state: None,
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)
