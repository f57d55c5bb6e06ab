"""``Wish``: what the user asked of an engine, and the words for asking."""

from __future__ import annotations

from dataclasses import dataclass

ENGINES = ("tensorrt", "openvino", "torch", "remote")
DEVICES = ("auto", "cpu", "cuda", "gpu", "npu")
PRECISIONS = ("auto", "float32", "bfloat16", "int8", "fp8")


@dataclass(frozen=True)
class Wish:
    """Which policy to run, and how.

    Attributes:
        policy: A checkpoint's path, or ``random:SIZE[:SEED]``; "" with a server, which
            has its own.
        engine: ``auto`` or a name of ``ENGINES``.
        device: ``auto``; ``cpu``; ``cuda`` (NVIDIA, or AMD through ROCm's torch); ``gpu``
            and ``npu`` (Intel's, through OpenVINO).
        precision: ``auto`` or a name of ``PRECISIONS``; ``int8`` and ``fp8`` are the weights'.
        max_batch: Most requests to be computed together.
        server: ``ws://`` address of a policy server, for the remote engine.
        token: What the server asks of its clients; "" for nothing.
        steps: Euler steps of the sampler; None: as many as the policy says.
    """

    policy: str
    engine: str = "auto"
    device: str = "auto"
    precision: str = "auto"
    max_batch: int = 1
    server: str = ""
    token: str = ""
    steps: int | None = None
