"""A folder of made-up clips holds what the stream gives, and all that is known of it."""

import json
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from nitropilot.dataset.styles.clip import RUN, RUNS
from nitropilot.dataset.styles.coding import coded
from nitropilot.dataset.styles.folder import OF_A_CLIP, Written, write_folder
from nitropilot.dataset.styles.sample import ELEMENTS
from nitropilot.dataset.styles.stream import clips
from nitropilot.records.format import PUBLISHED_BUTTONS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    folder = tmp_path_factory.mktemp("synth") / "made"
    return folder, write_folder(folder, 3, 7, lambda what, done: None)


def test_the_clip_is_that_of_the_stream(made: tuple[Path, Written]) -> None:
    """Who trains elsewhere trains on the same."""
    folder, written = made
    clip = next(iter(clips(7)))
    stage = clip.stage
    expected = list(coded(clip.frames(), stage.width, stage.height, clip.coding))
    with av.open(str(folder / "clips" / "000000.mp4")) as container:
        flats = [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]
    assert len(flats) == RUNS * RUN == len(expected)
    for flat, picture in zip(flats, expected, strict=True):
        seen = cv2.cvtColor(flat, cv2.COLOR_YUV2RGB_I420)
        np.testing.assert_array_equal(seen, picture)
    assert (written.clips, written.samples) == (1, OF_A_CLIP)
    assert written.rate > 0


def test_labels_are_whole(made: tuple[Path, Written]) -> None:
    folder, _ = made
    clip = next(iter(clips(7)))
    table = pq.read_table(folder / "labels.parquet")
    assert table.num_rows == RUNS * RUN
    buttons = clip.played.published()[clip.rows]
    for index, name in enumerate(PUBLISHED_BUTTONS):
        assert table[name].to_pylist() == buttons[:, index].tolist()
    sticks = np.array([table["j_left"].to_pylist(), table["j_right"].to_pylist()])
    np.testing.assert_allclose(sticks[1, :, 1], clip.played.sticks[clip.rows, 3], atol=1e-7)
    pulls = np.array(table["right_pull"].to_pylist())
    np.testing.assert_array_equal(pulls > 0.25, table["right_trigger"].to_pylist())


def test_maps_and_facts_fit_the_clip(made: tuple[Path, Written]) -> None:
    folder, _ = made
    about = json.loads((folder / "clips.json").read_text("utf-8"))
    facts = about["clips"][0]
    assert tuple(about["elements"]) == ELEMENTS
    places = cv2.imread(str(folder / "places" / "000000.png"), cv2.IMREAD_UNCHANGED)
    mask = cv2.imread(str(folder / "masks" / "000000.png"), cv2.IMREAD_UNCHANGED)
    assert places is not None
    assert mask is not None
    assert places.shape == mask.shape == (facts["height"], facts["width"])
    assert (mask[places > 0] == 255).all()
    named = {ELEMENTS[place - 1] for place in np.unique(places)[1:].tolist()}
    assert named <= set(facts["shown"])
    sheet = cv2.imread(str(folder / "sheet.png"))
    assert sheet is not None
    assert sheet.std() > 10


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """Half a folder must not look like a whole one: the command removes what was begun."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OSError, match="file"):
        write_folder(blocked, 1, 0, lambda what, done: None)
    assert len(list(islice(clips(0), 1))) == 1
