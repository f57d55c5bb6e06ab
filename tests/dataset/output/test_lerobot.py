"""An extracted set as a LeRobotDataset and back: what is hidden stays hidden, from everybody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from nitropilot.dataset.output.published import write_labels
from nitropilot.records.format import PUBLISHED_BUTTONS
from nitropilot.server.cli.dataset.group import dataset
from nitropilot.training.formats.finding import find_takes, open_take
from nitropilot.training.formats.lerobot_pictures import seen_masks
from nitropilot.training.formats.video import decoded
from nitropilot.training.formats.view import Box, View
from tests.dataset.making import HEIGHT, WIDTH, noise, write_video
from tests.dataset.output.test_published import COUNT, ID, SECONDS, labels

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.training.formats.take import Take


@pytest.fixture(scope="module", params=[30, 15], ids=["a picture a row", "half as many"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Take, Take, Path]:
    """What was extracted of a video of that rate, what was exported of that, and where."""
    root = tmp_path_factory.mktemp("set")
    rate = int(request.param)
    write_labels(root / "set" / "SHARD_0000" / ID, labels())
    write_video(root / "set" / "videos" / f"{ID}.mp4", noise(rate * SECONDS), rate)
    asked = ["export", "--data", str(root / "set"), "--out", str(root / "lerobot"), "--json"]
    done = CliRunner().invoke(dataset, asked)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["total_frames"] == COUNT - 1
    (one,), (other,) = find_takes([root / "set"]), find_takes([root / "lerobot"])
    return open_take(one), open_take(other), root / "lerobot"


def test_actions_and_what_is_left_out_survive(both: tuple[Take, Take, Path]) -> None:
    """Rows that the filter left out are not learned of the copy either."""
    one, other, _ = both
    assert other.rows.num_rows == COUNT
    assert np.flatnonzero(~one.taught).tolist() == list(range(100, 160))
    assert np.flatnonzero(~other.taught).tolist() == [0, *range(100, 160)]
    for name in (*PUBLISHED_BUTTONS, "sent_time"):
        assert one.column(name)[1:].tolist() == pytest.approx(other.column(name)[1:].tolist()), name
    for stick in ("j_left", "j_right"):
        np.testing.assert_allclose(
            one.rows[stick].to_pylist()[1:], other.rows[stick].to_pylist()[1:], atol=1e-6
        )


def test_nobody_sees_the_controller(both: tuple[Take, Take, Path]) -> None:
    """Readers of the layout know of no mask: in the pictures themselves it is black."""
    one, other, folder = both
    (mask,) = other.view.masks
    assert mask == pytest.approx(one.view.masks[0])
    rows, columns = mask.pixels(HEIGHT, WIDTH)
    shown = np.array([0, 200, COUNT - 2])
    frames = other.column("frame_index").astype(np.int64)
    assert frames[:-1].tolist() == list(range(COUNT - 1)), "one picture a row"
    theirs = one.column("frame_index").astype(np.int64)[shown]
    for copy, true in zip(decoded(other.video, shown), decoded(one.video, theirs), strict=True):
        assert copy[rows, columns][4:-4, 4:-4].max() < 40
        assert true[rows, columns].mean() > 60
        seen = np.abs(copy.astype(int) - true)[:, : columns.start - 8]
        assert seen.mean() < 12
    (table,) = (folder / "meta" / "episodes").rglob("*.parquet")
    assert pq.read_table(table)["nitropilot.masks"].to_pylist() == [list(mask)]


def test_masks_in_a_part_of_the_picture() -> None:
    """Where the game is a part, that part is the picture, and masks are shares of it."""
    crop = Box(0.5, 0.0, 1.0, 0.5)
    masks = (Box(0.25, 0.25, 0.75, 0.75), Box(0.0, 0.0, 0.25, 0.25))
    assert seen_masks(View(crop, masks)) == (Box(0.0, 0.5, 0.5, 1.0),)
    assert seen_masks(View(None, masks)) == masks
