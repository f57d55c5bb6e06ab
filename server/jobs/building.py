"""What ``nitropilot engines build`` can build, by engine."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nitropilot.engines.errors import EngineUnavailable
from nitropilot.engines.openvino.settings import DEVICES
from nitropilot.engines.wish import PRECISIONS, Wish
from nitropilot.policy.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    Tell = Callable[[str, float], None]

OPENVINO = "pip install 'nitropilot[openvino]'"
TAKES = {"openvino": {"device"}, "tensorrt": {"targets", "out"}, "torch": set(), "onnx": {"out"}}
"""Options that only some can use."""
NAMES = {"device": "--device", "targets": "--target", "out": "--out"}


@dataclass(frozen=True)
class Order:
    """What to build.

    Attributes:
        policy: A checkpoint's path, or ``random:SIZE[:SEED]``.
        precision: ``auto`` or a name of ``engines.PRECISIONS``.
        device: For OpenVINO.
        targets: Cards, for TensorRT; none means the one that is here.
        out: File or folder; None for the cache.
        again: Whether to build what is there already.
    """

    policy: str
    precision: str = "auto"
    device: str = "auto"
    targets: tuple[str, ...] = ()
    out: Path | None = None
    again: bool = False

    def refuse_strangers(self, engine: str) -> None:
        """Raise for an option that would have no effect, and for a precision that is none.

        Raises:
            typer.BadParameter: As told.
            EngineUnavailable: There is no such precision.
        """
        given = {
            "device": self.device != "auto",
            "targets": bool(self.targets),
            "out": self.out is not None,
        }
        for name, is_given in given.items():
            if is_given and name not in TAKES[engine]:
                raise typer.BadParameter(f"{engine} takes none", param_hint=NAMES[name])
        if self.precision not in PRECISIONS:
            raise EngineUnavailable(
                f"there is no precision {quoted(self.precision)}", f"use {', '.join(PRECISIONS)}"
            )


def build_openvino(order: Order, tell: Tell) -> list[dict[str, Any]]:
    """Compile for this machine's device, into the cache.

    Raises:
        EngineUnavailable: OpenVINO is not installed, or the device cannot do it.
    """
    try:
        from nitropilot.engines.openvino import engine as openvino_engine
        from nitropilot.engines.openvino.apart import build
    except ImportError as error:
        raise EngineUnavailable(f"{error.name} is not installed", OPENVINO) from None
    from nitropilot.engines.cache import find

    device = "cpu" if order.device == "auto" else order.device
    if device not in DEVICES:
        known = ", ".join(DEVICES)
        raise EngineUnavailable(f"openvino does not run on {quoted(device)}", f"use {known}")
    openvino_engine.available(device)
    key, job = openvino_engine.plan(Wish(order.policy, "openvino", device, order.precision))
    entry = None if order.again else find(openvino_engine.CACHE, key)
    tell("compiling for openvino", 0.1)
    about = dict(entry.about) if entry else build(job)
    tell("done", 1.0)
    about |= {"was_there": entry is not None, "cache_key": key}
    wanted = ("precision", "compute", "error", "seconds", "parameters", "cache_key", "was_there")
    return [{"name": f"openvino on {device}", **{name: about[name] for name in wanted}}]


def build_tensorrt(order: Order, tell: Tell) -> list[dict[str, Any]]:
    """Compile for cards, which need not be here."""
    from nitropilot.engines.tensorrt.build import CURRENT, build_plans

    plans = build_plans(
        order.policy, order.targets or (CURRENT,), order.precision, order.out, progress=tell
    )
    return [{"name": f"tensorrt for {plan.target}", **asdict(plan)} for plan in plans]


def build_torch(order: Order, tell: Tell) -> list[dict[str, Any]]:
    """Fuse kernels for this machine's card, and see whether that makes a chunk faster."""
    from nitropilot.engines.pytorch.cuda import DTYPES
    from nitropilot.engines.pytorch.fused import build

    if order.precision not in DTYPES:
        raise EngineUnavailable(
            f"torch on cuda does not compute in {order.precision}", f"use {', '.join(DTYPES)}"
        )
    return [{"name": "torch on cuda", **build(order.policy, DTYPES[order.precision], tell)}]


def build_onnx(order: Order, tell: Tell) -> list[dict[str, Any]]:
    """Write an ONNX model for others to run.

    Raises:
        typer.BadParameter: No file was named.
    """
    if order.out is None:
        raise typer.BadParameter("name the file to write", param_hint="--out")
    from nitropilot.engines.onnx.export import export_onnx

    precision = "float32" if order.precision == "auto" else order.precision
    tell("writing the model", 0.1)
    began = time.perf_counter()
    size = export_onnx(order.policy, order.out, precision)
    tell("done", 1.0)
    seconds = round(time.perf_counter() - began, 3)
    return [
        {
            "name": "onnx",
            "path": order.out,
            "bytes": size,
            "precision": precision,
            "seconds": seconds,
        }
    ]


BUILDERS: dict[str, Callable[[Order, Tell], list[dict[str, Any]]]] = {
    "openvino": build_openvino,
    "tensorrt": build_tensorrt,
    "torch": build_torch,
    "onnx": build_onnx,
}
