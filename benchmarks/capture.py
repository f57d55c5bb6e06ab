"""Time from a window's pixels to the policy's input, on an Xvfb of its own.

    python -m benchmarks.capture [--json] [--iterations 300] [--size 1920x1080]

Prints milliseconds: reading the screen with mss, converting to RGB, resizing to
256 x 256 by area, and the whole way as the product goes it (``Grabber.grab``,
which also asks where the window is, and the resize).  Target: under 10 ms for
1920 x 1080 on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.capture import Window

OBSERVATION = (256, 256)
TARGET_MS = 10.0
WARM_UP = 20


@contextmanager
def full_size_window(size: tuple[int, int]) -> Iterator[Window]:
    """A display of its own with one window that covers it."""
    from Xlib.display import Display

    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.capture import find_window

    server = PrivateDisplay.start(size)
    try:
        display = Display(server.name)
        root = display.screen().root
        window = root.create_window(0, 0, *size, 0, 0, background_pixel=0x336699)
        window.map()
        display.sync()
        yield find_window(handle=window.id, display=server.name)
        display.close()
    finally:
        server.close()


def observe(rgb: Any) -> Any:
    """The picture as the policy sees it."""
    return cv2.resize(rgb, OBSERVATION, interpolation=cv2.INTER_AREA)


def timed(times: list[float], call: Callable[..., Any], *arguments: Any) -> Any:
    """Call, and note how many milliseconds it took."""
    start = time.perf_counter()
    result = call(*arguments)
    times.append((time.perf_counter() - start) * 1e3)
    return result


def measure(window: Window, iterations: int) -> dict[str, list[float]]:
    """Milliseconds of each step in each iteration."""
    from mss import MSS

    from nitropilot.capture import open_grabber

    width, height = window.rect.width, window.rect.height
    region = {"left": 0, "top": 0, "width": width, "height": height}
    times: dict[str, list[float]] = {"grab": [], "convert": [], "resize": [], "total": []}
    with MSS(display=window.display) as screen, open_grabber(window) as grabber:
        for _ in range(iterations + WARM_UP):
            shot = timed(times["grab"], screen.grab, region)
            bgrx = np.frombuffer(shot.raw, np.uint8).reshape(height, width, 4)
            rgb = timed(times["convert"], cv2.cvtColor, bgrx, cv2.COLOR_BGRA2RGB)
            timed(times["resize"], observe, rgb)
            timed(times["total"], lambda: observe(grabber.grab().pixels))
    return {step: values[WARM_UP:] for step, values in times.items()}


def report(size: tuple[int, int], times: dict[str, list[float]]) -> dict[str, Any]:
    """The figures as one object."""
    figures = {
        step: {f"p{q}": round(float(np.percentile(values, q)), 3) for q in (50, 90, 99)}
        for step, values in times.items()
    }
    return {
        "size": list(size),
        "iterations": len(times["total"]),
        "cpus": len(os.sched_getaffinity(0)),
        "ms": figures,
        "target_ms": TARGET_MS,
        "met": figures["total"]["p90"] < TARGET_MS,
    }


def print_table(result: dict[str, Any]) -> None:
    """The figures for people."""
    width, height = result["size"]
    print(f"{width}x{height}, {result['iterations']} iterations, {result['cpus']} CPUs, ms")
    print(f"{'':10}{'p50':>8}{'p90':>8}{'p99':>8}")
    for step, row in result["ms"].items():
        print(f"{step:10}{row['p50']:8.2f}{row['p90']:8.2f}{row['p99']:8.2f}")
    print(f"target: p90 of total under {TARGET_MS:g}: {'met' if result['met'] else 'missed'}")


def parse_size(text: str) -> tuple[int, int]:
    """``"1920x1080"`` as two numbers."""
    width, height = text.split("x")
    return int(width), int(height)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--size", type=parse_size, default=(1920, 1080), metavar="WxH")
    options = parser.parse_args()
    with full_size_window(options.size) as window:
        result = report(options.size, measure(window, options.iterations))
    if options.json:
        print(json.dumps(result))
    else:
        print_table(result)


if __name__ == "__main__":
    if not __package__:  # run by path, this file would hide the package it measures
        sys.exit("run it from the repository's root as: python -m benchmarks.capture")
    main()
