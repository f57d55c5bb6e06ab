"""Videos that cannot be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nitropilot.agent.errors import RecordingError
from nitropilot.controller.state import NEUTRAL
from nitropilot.simulator.benchmark.policies.naming import parse_entry
from nitropilot.simulator.benchmark.results.reader import read_result
from nitropilot.simulator.benchmark.runner.errors import RunFailed
from nitropilot.simulator.benchmark.runner.running import run
from nitropilot.simulator.benchmark.runner.suites import choose_tasks
from nitropilot.simulator.benchmark.runner.video import EpisodeVideo
from nitropilot.simulator.benchmark.runner.wishes import Wish

FULL = Path("/dev/full")
"""Where every write says that the disk is full."""


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """A video that is not there must not look as if it were."""
    video = EpisodeVideo(tmp_path / "v.mp4", 60)
    (tmp_path / "v.mp4.part").symlink_to(FULL)
    noise = np.random.default_rng(0)
    with pytest.raises(RecordingError, match="No space left"):
        for _ in range(2000):
            video.put(noise.integers(0, 256, (64, 64, 3), np.uint8), NEUTRAL)
    video.drop()
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    """It is the machine's fault, not the policy's; and no episode is recorded that has none."""
    tasks = tuple(choose_tasks("arcade", tasks=["pulse-1"]))

    def stop(_told: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Wish(tasks, (parse_entry("idle"),), (0, 1), jobs=1), tmp_path / "r", stop)
    (tmp_path / "r" / "videos").write_text("in the way")
    with pytest.raises(RunFailed, match="cannot record"):
        run(Wish(tasks, (parse_entry("idle"),), (0, 1), video=True), tmp_path / "r")
    assert len(read_result(tmp_path / "r").records) == 1


@pytest.mark.parametrize("size", [(64, 64), (37, 51), (480, 640), (1080, 1920)])
def test_every_size_becomes_one_that_codecs_take(tmp_path: Path, size: tuple[int, int]) -> None:
    """Odd sides make the encoder fail at the first picture."""
    video = EpisodeVideo(tmp_path / "v.mp4", 60)
    for level in (0, 255):
        video.put(np.full((*size, 3), level, np.uint8), NEUTRAL)
    video.finish()
    assert (tmp_path / "v.mp4").stat().st_size > 500
    assert video.frames == 2
