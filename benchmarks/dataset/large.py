"""A video whose file is larger than the memory that there is for it.

    python -m benchmarks.dataset.large [--gib 2] [--memory 1] [--folder /tmp]

A clip with a controller in it is written without compression, and its packets again and again
until the file has so many GiB; a process that may have so much memory of its own extracts it.
``--gib`` beyond the machine's memory shows it without a limit too.  Exit status 1 if it fails.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from nitropilot.dataset.extracting.one import extract_one, ways_of
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.synth.overlay import overlaid
from nitropilot.dataset.synth.scenes import scene
from nitropilot.dataset.synth.states import states
from nitropilot.dataset.templates.library import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

GIB = 2**30
SIZE, RATE, SECONDS = (1280, 720), 30, 10
SKIN, POSE = "xbox-dark", Pose(0.4, 860.0, 430.0)


def write(path: Path, least: int) -> int:
    """Write the video; how many frames it has.

    Args:
        path: Where.
        least: Bytes that it has at least.
    """
    rng = np.random.default_rng(14)
    skin, told = shipped().get(SKIN), states(rng, SECONDS, RATE)
    pictures = overlaid(scene("racing", rng, *SIZE, len(told)), skin, POSE, told, 1.0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        packets = []
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
            packets += [bytes(packet) for packet in stream.encode(frame)]
        number = 0
        while number * len(packets[0]) < least:
            packet = av.Packet(packets[number % len(packets)])
            packet.stream, packet.time_base = stream, Fraction(1, RATE)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
            number += 1
    return number


def extract(path: Path, memory: float) -> None:
    """Extract it in this process, which may have so many GiB of its own."""
    limit = round(memory * GIB)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    options = Options(active=0.0)
    job = Job(str(path), "large")
    result = extract_one(job, options, path.parent / "out", ways_of(options)).result
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"{path.stat().st_size / GIB:.1f} GiB, {60 * result.hours_in:.1f} minutes: "
        f"{result.overlay.skin}, {60 * result.hours_out:.1f} minutes kept, {result.chunks[0]} "
        f"chunks; at most {peak / GIB:.2f} GiB of memory, {memory:g} allowed"
    )
    if not result.overlay.found or result.set_aside:
        raise SystemExit(1)


def main(tell: Callable[[str], None] = print) -> None:
    """Write the video, and have a process extract it."""
    options = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    options.add_argument("--gib", type=float, default=2.0)
    options.add_argument("--memory", type=float, default=1.0)
    options.add_argument("--folder", type=Path, default=None)
    options.add_argument("--extract", type=Path, default=None, help=argparse.SUPPRESS)
    told = options.parse_args()
    if told.extract:
        extract(told.extract, told.memory)
        return
    with tempfile.TemporaryDirectory(dir=told.folder) as name:
        path = Path(name) / "large.mkv"
        tell(f"{write(path, round(told.gib * GIB))} frames")
        words = ["--extract", str(path), "--memory", str(told.memory)]
        module = [sys.executable, "-m", "benchmarks.dataset.large"]
        raise SystemExit(subprocess.run([*module, *words], check=False).returncode)


if __name__ == "__main__":
    main()
