"""Controllers of unknown skins, where no known one was found, and only with weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
import torch

from nitropilot.dataset.errors import BadWeights, ParserSettings
from nitropilot.dataset.extracting.learned import NAME, USED, also, with_learned
from nitropilot.dataset.extracting.one import extract_one
from nitropilot.dataset.extracting.options import Job, Options
from nitropilot.dataset.output.report import PAGE, write_report
from nitropilot.dataset.parsing.answer import CELLS, Answer
from nitropilot.dataset.parsing.shape import Shape
from nitropilot.dataset.pose import Box
from nitropilot.dataset.styles.sample import ELEMENTS
from nitropilot.records.format import PUBLISHED_BUTTONS
from tests.dataset.making import noise, played, ways, write_video

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.dataset.extracting.one import Extracted, Ways
    from nitropilot.dataset.video.frames import Video

FRAMES = 75
BOX = Box(10, 12, 60, 44)


class Region(NamedTuple):
    """What a detector says."""

    box: Box = BOX
    score: float = 0.7
    first: int = 5
    last: int = 70


class Regions(NamedTuple):
    """All of it."""

    found: list[Region]
    best_score: float


class SouthIsHeld:
    """An eye that sees one button, down all the time, and nothing else."""

    shape = Shape()

    def say(self, pictures: torch.Tensor, reference: torch.Tensor) -> Answer:
        count = len(pictures)
        buttons = torch.full((count, 17), -9.0)
        buttons[:, PUBLISHED_BUTTONS.index("south")] = 9.0
        shown = torch.tensor([9.0 if name == "south" else -9.0 for name in ELEMENTS])
        none = torch.zeros(count, 1)
        return Answer(buttons, torch.zeros(count, 2, CELLS, CELLS),
                      torch.zeros(count, 2, 2, CELLS, CELLS), shown.expand(count, -1), none,
                      none)  # fmt: skip


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("videos") / "one.mp4", noise(FRAMES))


NOTHING = ways(lambda video: played(len(video.times)), lambda _: [])
KNOWN = ways(lambda video: played(len(video.times)))


def looked(known: Ways, regions: Regions) -> tuple[Ways, list[Video]]:
    """Ways, and the videos in which the detector looked."""
    asked: list[Video] = []

    def detect(video: Video) -> Regions:
        asked.append(video)
        return regions

    return also(known, detect, SouthIsHeld()), asked


def extracted(video: Path, folder: Path, how: Ways) -> Extracted:
    return extract_one(Job(str(video), "one"), Options(), folder, how)


def test_an_unknown_skin_is_read_and_called_so(video: Path, tmp_path: Path) -> None:
    """In the result, in the metadata and in the labels; its box is what the detector said."""
    how, asked = looked(NOTHING, Regions([Region()], 0.7))
    result = extracted(video, tmp_path / "one", how).result
    assert len(asked) == 1
    assert result.overlay.found
    assert (result.overlay.skin, result.overlay.score, result.learned) == (NAME, 0.7, USED)
    assert result.overlay.box == [10, 12, 50, 32]
    said = json.loads((tmp_path / "one" / "one_chunk_0000" / "metadata.json").read_text("utf-8"))
    assert said["controller_type"] == "unknown"
    assert said["nitropilot"]["skin"] == NAME
    assert "north" in said["nitropilot"]["not_shown"]
    assert "south" not in said["nitropilot"]["not_shown"]
    assert said["original_video"]["start_frame"] == 0
    assert 0 < said["nitropilot"]["read"] < 65 / 75 + 0.01


def test_a_known_skin_is_read_by_its_template(video: Path, tmp_path: Path) -> None:
    """The detector is not even asked."""
    how, asked = looked(KNOWN, Regions([Region()], 0.7))
    result = extracted(video, tmp_path / "one", how).result
    assert (result.overlay.skin, asked) == ("box", [])


def test_where_neither_finds_one_there_is_none(video: Path, tmp_path: Path) -> None:
    """With the higher of both scores."""
    how, _ = looked(NOTHING, Regions([], 0.31))
    result = extracted(video, tmp_path / "one", how).result
    assert (result.overlay.found, result.overlay.score) == (False, 0.31)


def test_without_weights_nothing_changes_and_the_report_says_so(
    video: Path, tmp_path: Path
) -> None:
    """And what would change it."""
    assert with_learned(NOTHING, None, None) is NOTHING
    result = extracted(video, tmp_path / "one", NOTHING).result
    write_report(tmp_path, [result], lambda _: [])
    assert not result.overlay.found
    page = (tmp_path / PAGE).read_text("utf-8")
    assert "no template knows: unavailable (no weights" in page


def test_weights_that_cannot_be_used_are_said_before_any_video(tmp_path: Path) -> None:
    """One alone, and a file that is not there."""
    with pytest.raises(ParserSettings, match="--parser is named without --detector"):
        with_learned(NOTHING, None, "parser.safetensors")
    with pytest.raises(ParserSettings, match="--detector is named without --parser"):
        with_learned(NOTHING, "detector.safetensors", None)
    pytest.importorskip("nitropilot.dataset.detecting.detect")
    with pytest.raises(BadWeights, match="is not a file"):
        with_learned(NOTHING, "d", str(tmp_path / "none"))
