"""What extracting costs, how it grows with workers, and 71,000 hours on paper.

    python -m benchmarks.dataset.scaling [--clips 4] [--seconds 20] [--workers 1,2] [--size 640x360]
                                         [--price .04] [--cores 1000] [--json]

Clips of two lengths are made and extracted by this process: from the processor time of each come
what a video costs however long it is, and how fast it is read from there on.  Then they are
extracted on Ray clusters of so many machines, which are processes here with a core each, once
those have their templates; the sets must be the same, byte for byte.  With ``--workers ""`` only
the first is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from benchmarks.engines import processor
from nitropilot.clusters import ALONE, TRIES, USAGE, joined
from nitropilot.dataset.extracting.cluster import RayWorkers
from nitropilot.dataset.extracting.folder import SetFolder
from nitropilot.dataset.extracting.one import extract_one, ways_of
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.extracting.run import Run
from nitropilot.dataset.extracting.sources import find_videos
from nitropilot.dataset.extracting.workers import Here, Workers
from nitropilot.dataset.planning.costs import Cost, on_paper
from nitropilot.dataset.pose import Pose
from nitropilot.dataset.synth.clips import write_clip
from nitropilot.dataset.synth.scenes import KINDS, scene
from nitropilot.dataset.synth.states import states
from nitropilot.dataset.templates.library import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAPER_HOURS, PAPER_VIDEOS = 71_000, 38_739
"""Of NitroGen's raw videos."""
SKINS = ("xbox-dark", "playstation-dark", "xbox-outline", "switch-dark")
RATE = 30
ROOT = Path(__file__).parents[2]


class Took(NamedTuple):
    """A run with some workers.

    Attributes:
        workers: How many.
        wall_s: Seconds of the clock.
        per_core_hour: Hours of video in an hour of a core that is kept for it.
        busy: Share of the cores' time in which this process would have been reading.
        same: Whether the set is that of one process.
    """

    workers: int
    wall_s: float
    per_core_hour: float
    busy: float
    same: bool


def clips(folder: Path, count: int, seconds: float, size: tuple[int, int]) -> None:
    """Two of each skin: one so long, and one twice as long."""
    folder.mkdir()
    for number in range(count):
        rng = np.random.default_rng((14, number))
        skin = shipped().get(SKINS[number // 2 % len(SKINS)])
        scale = size[0] * 0.28 / skin.width
        at = Pose(scale, size[0] * 0.68, size[1] - scale * skin.height - 4)
        told = states(rng, seconds * (1 + number % 2), RATE)
        kind = sorted(KINDS)[number // 2 % len(KINDS)]
        pictures = scene(kind, rng, *size, len(told))
        write_clip(folder / f"{number:03d}.mp4", skin, at, told, pictures, RATE, crf=25)


def alone(videos: Path, out: Path, options: Options) -> list[tuple[float, float]]:
    """Length and processor seconds of each video, extracted by this process."""
    ways, found = ways_of(options), []
    for video in sorted(videos.iterdir()):
        job, began = Job(str(video), video.stem), time.process_time()
        result = extract_one(job, options, out / video.stem, ways).result
        found.append((3600 * result.hours_in, time.process_time() - began))
    return found


def fitted(measured: Sequence[tuple[float, float]]) -> Cost:
    """Set-up and speed, by least squares over videos of at least two lengths."""
    lengths, took = np.array(measured, np.float64).T
    slope, setup = np.polyfit(lengths, took, 1)
    if slope <= 0 or setup < 0:
        raise SystemExit(f"clips are too short to tell set-up from reading: {measured}")
    return Cost(float(setup), float(1 / slope))


@contextmanager
def machines(count: int) -> Iterator[str]:
    """The address of a cluster of so many machines with a core each, processes of this one."""
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    cluster = Cluster()
    try:
        _begin(cluster, num_cpus=0, include_dashboard=False, temp_dir=folder)
        for _ in range(count):
            _begin(cluster, num_cpus=1)
        yield cluster.address
    finally:
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _begin(cluster: Any, **options: Any) -> None:
    """Start a node, with the patience that Ray has not."""
    for left in reversed(range(TRIES)):
        try:
            cluster.add_node(**options)
            return
        except Exception:
            if not left:
                raise


def run(
    videos: Path, out: Path, options: Options, who: Callable[[SetFolder], Workers]
) -> dict[str, bytes]:
    """Extract all, and give what is in the shards."""
    root, found = find_videos([videos], out)
    with SetFolder(out).opened(options) as folder:
        Run(folder, options, who(folder)).over(found, root, {}, lambda _: None)
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.glob("SHARD_*/**/*")
        if path.is_file()
    }


def on_ray(
    count: int, videos: Path, folder: Path, options: Options, work_s: float, made: dict[str, bytes]
) -> Took:
    """Extract all on so many machines."""
    warm = folder / f"warm{count}"
    warm.mkdir()
    first = sorted(videos.iterdir())[0]
    for number in range(count):
        shutil.copy(first, warm / f"{number}.mp4")
    with machines(count) as address, joined(address) as ray:

        def who(opened: SetFolder) -> Workers:
            return RayWorkers(ray, opened, options)

        run(warm, folder / f"warmed{count}", options, who)
        began = time.monotonic()
        found = run(videos, folder / f"on{count}", options, who)
        wall = time.monotonic() - began
    seconds = sum(_length(video) for video in videos.iterdir())
    return Took(count, wall, seconds / (count * wall), work_s / (count * wall), found == made)


def _length(video: Path) -> float:
    opened = cv2.VideoCapture(str(video))
    frames: float = opened.get(cv2.CAP_PROP_FRAME_COUNT)
    opened.release()
    return frames / RATE


def paper(cost: Cost, busy: float, cores: int, price: float) -> dict[str, Any]:
    """The paper's videos, from what was measured here."""
    busy = min(busy, 1.0)
    found = on_paper(PAPER_HOURS, PAPER_VIDEOS, cost, cores, busy, price)
    return {"hours": PAPER_HOURS, "videos": PAPER_VIDEOS, "cores": cores, "core_hour": price,
            "kept_busy": busy, **found._asdict()}  # fmt: skip


def main(tell: Callable[[str], None] = print) -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    options.add_argument("--clips", type=int, default=4)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--workers", default="1,2")
    options.add_argument("--size", default="640x360")
    options.add_argument("--price", type=float, default=0.04, help="of a core-hour")
    options.add_argument("--cores", type=int, default=1000)
    options.add_argument("--json", action="store_true")
    told = options.parse_args()
    width, height = map(int, told.size.split("x"))
    os.environ.update({**ALONE, "RAY_AUTH_MODE": "disabled", USAGE: "0", "PYTHONPATH": str(ROOT)})
    os.environ["OMP_NUM_THREADS"] = "1"
    cv2.setNumThreads(1)
    how = Options(active=0.0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips(folder / "in", told.clips, told.seconds, (width, height))
        measured = alone(folder / "in", folder / "once", how)
        cost = fitted(measured)
        work = sum(took for _, took in measured)
        counts = [int(count) for count in told.workers.split(",") if count]
        made = run(folder / "in", folder / "here", how, lambda _: Here(how)) if counts else {}
        runs = [on_ray(count, folder / "in", folder, how, work, made) for count in counts]
    figures = {
        "processor": processor(), "load": os.getloadavg()[0], "size": told.size,
        "videos": measured, "cost": cost._asdict(), "runs": [each._asdict() for each in runs],
        "paper": paper(cost, runs[-1].busy if runs else 1.0, told.cores, told.price),
    }  # fmt: skip
    tell(json.dumps(figures) if told.json else _text(figures))


def _text(figures: dict[str, Any]) -> str:
    cost, on = figures["cost"], figures["paper"]
    lines = [
        f"{figures['processor']['name']}, load {figures['load']:.1f}, {figures['size']}",
        f"set-up {cost['setup_s']:.1f} s a video, then {cost['speed']:.2f} s of video a second",
        "",
        "| workers | wall, s | video-hours a core-hour | cores kept busy | same set |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {run['workers']} | {run['wall_s']:.0f} | {run['per_core_hour']:.2f} "
        f"| {run['busy']:.0%} | {'yes' if run['same'] else 'NO'} |"
        for run in figures["runs"]
    ]
    lines += [
        "",
        "core-hours = videos x set-up / 3600 + hours / speed",
        f"{on['hours']:,} hours in {on['videos']:,} videos: {on['core_hours']:,.0f} core-hours; "
        f"on {on['cores']:,} cores kept busy {on['kept_busy']:.0%} of the time "
        f"{on['days']:.1f} days and {on['price']:,.0f} at {on['core_hour']:g} a core-hour",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
