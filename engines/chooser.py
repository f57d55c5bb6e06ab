"""Choose an engine for a policy, and say why the others were not taken."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engines.errors import EngineUnavailable

if TYPE_CHECKING:
    from engines.base import Engine

ENGINES = ("torch",)
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class EngineReport:
    """What ``doctor`` and ``status`` say of one engine.

    Attributes:
        name: The engine.
        available: Whether it can run here.
        reason: On what, or why not.
        hint: The fix, when it is not available.
    """

    name: str
    available: bool
    reason: str
    hint: str = ""


def engine_reports() -> tuple[EngineReport, ...]:
    """One report an engine; imports torch, because only torch knows what it can run on."""
    if importlib.util.find_spec("torch") is None:
        return (EngineReport("torch", False, "torch is not installed", "pip install torch"),)
    device, reason = _torch_device("auto")
    return (EngineReport("torch", True, f"runs on {device}: {reason}"),)


def load_engine(policy: str, *, engine: str = "auto", device: str = "auto") -> Engine:
    """Load a policy and make it ready to run.

    Args:
        policy: A checkpoint's path, or ``random:tiny`` or ``random:full``.
        engine: ``auto`` or a name of ``ENGINES``.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        EngineUnavailable: The engine or the device is not here.
        CheckpointError: The policy cannot be loaded.
    """
    if engine not in ("auto", *ENGINES):
        raise EngineUnavailable(
            f"there is no engine {engine!r}", f"engines are auto, {', '.join(ENGINES)}"
        )
    if device not in DEVICES:
        raise EngineUnavailable(f"there is no device {device!r}", f"use {', '.join(DEVICES)}")
    target, reason = _torch_device(device)
    from engines.torch_engine import TorchEngine
    from policy import open_policy

    return TorchEngine(open_policy(policy, target), reason=f"the only engine so far; {reason}")


def _torch_device(wanted: str) -> tuple[str, str]:
    """The device to use and why."""
    # Threads that wait busily for each other beside a game that wants the processor lose
    # their turns at every layer: seconds instead of milliseconds.  Read when torch loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import torch

    has_cuda = torch.cuda.is_available()
    if wanted == "cuda" and not has_cuda:
        raise EngineUnavailable(
            f"torch {torch.__version__} finds no CUDA device",
            "install the CUDA build of torch and a driver, or use --device cpu",
        )
    if wanted == "cpu":
        return "cpu", "asked for"
    if has_cuda:
        return "cuda", torch.cuda.get_device_name(0)
    return "cpu", f"torch {torch.__version__} finds no CUDA device"
