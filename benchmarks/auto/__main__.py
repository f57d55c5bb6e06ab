"""What ``auto`` chooses on this processor against everything that it could have chosen.

    python -m benchmarks.auto [POLICY ...] [--repeat 40]

Every engine and precision of the processor has the same policy loaded at once, and they compute
chunks in turns, so that whatever else the machine does meets all of them.  The bar is 3 % over the
best.
"""

from __future__ import annotations

import argparse
import os
import time
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from nitropilot import NitroPilotError
from nitropilot.engines import load_engine
from nitropilot.policy.naming import POCKET

if TYPE_CHECKING:
    from nitropilot.engines.base import Engine

WAYS = (
    ("auto", "auto"), ("openvino", "float32"), ("openvino", "bfloat16"), ("torch", "float32"),
    ("torch", "bfloat16"),
)  # fmt: skip
BAR = 1.03
WARM_UPS = 3


def opened(policy: str) -> dict[str, Engine]:
    """Every way that works here, by its name; ``auto`` first."""
    found = {}
    for engine, precision in WAYS:
        try:
            found[f"{engine} {precision}"] = load_engine(
                policy, engine=engine, device="cpu", precision=precision
            )
        except NitroPilotError as error:
            print(f"  {engine} {precision}: {error.line()}")
    return found


def rounds(engines: dict[str, Engine], repeat: int) -> dict[str, list[float]]:
    """Seconds of each chunk, by engine; they take turns, each time with another one first."""
    spec = next(iter(engines.values())).spec
    rng = np.random.default_rng(0)
    side = spec.image_size
    seen = rng.uniform(-1, 1, (spec.frames, 3, side, side)).astype(np.float32)
    noise = rng.standard_normal((spec.horizon, spec.action_dim)).astype(np.float32)
    took: dict[str, list[float]] = {name: [] for name in engines}
    names = list(engines)
    for number in range(WARM_UPS + repeat):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            began = time.perf_counter()
            engines[name].infer(seen, noise)
            if number >= WARM_UPS:
                took[name].append(time.perf_counter() - began)
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("policies", nargs="*", default=[POCKET], help="default: what is shipped")
    parser.add_argument("--repeat", type=int, default=40, help="chunks of each (40)")
    options = parser.parse_args()
    for policy in options.policies:
        print(policy)
        engines = opened(policy)
        try:
            took = rounds(engines, options.repeat)
            print(f"  auto is {engines['auto auto'].info.name}: {engines['auto auto'].info.reason}")
        finally:
            for engine in engines.values():
                engine.close()
        for name, seconds in took.items():
            print(f"  {name:20}{median(seconds) * 1e3:9.2f} ms, least {min(seconds) * 1e3:.2f}")
        best = min(median(seconds) for name, seconds in took.items() if not name.startswith("auto"))
        over = median(took["auto auto"]) / best
        met = "met" if over <= BAR else "missed"
        print(
            f"  auto takes {over:.3f} of the best (bar {BAR}: {met}), load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main()
