"""An overlay that is late against the picture: `dataset shift` says by how much."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from typer.testing import CliRunner

from nitropilot.dataset.extracting.one import extract_one
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.output.facts import Facts
from nitropilot.dataset.pad import PadStates
from nitropilot.server.cli.dataset.group import dataset
from tests.dataset.making import HEIGHT, WIDTH, ways, write_video

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.dataset.video.frames import Video

LATE, FRAMES, HELD = 4, 900, 9
"""Ticks that the controller is drawn late; frames; and how long a stick is held, at least."""


def played(seed: int) -> PadStates:
    """Someone pushes the left stick here and there."""
    rng = np.random.default_rng(seed)
    pushed = np.repeat(rng.uniform(-1, 1, (FRAMES, 1)), HELD + rng.integers(0, 9, FRAMES), axis=0)
    sticks = np.zeros((FRAMES, 4), np.float32)
    sticks[:, 0] = np.where(np.abs(pushed) < 0.2, 0, pushed)[:FRAMES, 0]
    return PadStates(np.zeros((FRAMES, 15), bool), sticks, np.zeros((FRAMES, 2), np.float32))


def shown(states: PadStates, seed: int) -> Iterator[NDArray[np.uint8]]:
    """A wall that goes by as fast as the stick is pushed."""
    rng = np.random.default_rng(seed)
    wall = np.kron(rng.integers(0, 255, (HEIGHT // 8, WIDTH // 4)), np.ones((8, 8))).astype(
        np.uint8
    )
    at = np.cumsum(4 * states.sticks[:, 0]).round().astype(int)
    for place in at.tolist():
        yield np.repeat(np.roll(wall, -place, axis=1)[:, :WIDTH, None], 3, axis=2)


def test_the_delay_of_an_overlay_is_found(tmp_path: Path) -> None:
    """The controller is drawn four frames after the game has shown what was pressed."""
    out = tmp_path / "set"
    for number in range(2):
        states = played(number)
        name = f"clip{number}"
        video = write_video(out / "videos" / f"{name}.mp4", shown(states, number))

        def late(_: Video, states: PadStates = states) -> PadStates:
            places = np.clip(np.arange(FRAMES) - LATE, 0, None)
            return PadStates(states.buttons, states.sticks[places], states.triggers)

        job = Job(str(video), name, Facts("wall", f"creator {number}"))
        extract_one(job, Options(active=0.0), out / "SHARD_0000" / name, ways(late))

    done = CliRunner().invoke(dataset, ["shift", str(out), "--json"])
    found = json.loads(done.stdout)["games"]["wall"]
    assert (found["best"], found["verdict"], done.exit_code) == (LATE, "disagrees", 1)
    assert found["sure"] >= 0.9
    assert f"labels come {LATE} ticks after what they did is seen" in done.stderr

    alone = CliRunner().invoke(dataset, ["shift", str(out), "--each", "--json"])
    each = json.loads(alone.stdout)["recordings"]
    assert {name: said["best"] for name, said in each.items()} == {"clip0": LATE, "clip1": LATE}
