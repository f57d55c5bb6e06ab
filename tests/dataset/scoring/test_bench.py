"""A user's own overlay is scored against a recording of the same play."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from nitropilot.dataset.errors import BadVideo
from nitropilot.dataset.extracting import one
from nitropilot.dataset.pad import BUTTONS, PadStates
from nitropilot.dataset.scoring.aligning import NotAligned
from nitropilot.dataset.scoring.bench import bench
from nitropilot.dataset.scoring.truth import read_truth
from nitropilot.records.format import FACTS, Source
from nitropilot.records.rows import Row
from nitropilot.records.writer import RowLog, write_json
from nitropilot.server.cli.dataset.group import dataset
from tests.dataset.making import noise, played, ways, write_video

if TYPE_CHECKING:
    from pathlib import Path

ID = "20260101-120000-0123abcd-0000"
HZ, BEGINS, FRAMES = 30, 90, 240
WHOLE = played(400, 5)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Someone plays for 13 seconds, and it is recorded."""
    from nitropilot.records.format import BUTTON_BITS

    folder = tmp_path_factory.mktemp("recordings") / ID
    folder.mkdir()
    log = RowLog(folder, Source(ID, "hop", float(HZ), (64, 96)))
    for number in range(len(WHOLE)):
        moment, sent = WHOLE.moment(number), 1.7e9 + number / HZ
        left_x, left_y, right_x, right_y = moment.sticks
        bits = sum(BUTTON_BITS[name] for name in moment.buttons)
        log.add(Row(number, sent + 0.5 / HZ, sent, 0, "human", -1, -1, False, left_x, -left_y,
                    right_x, -right_y, *moment.triggers, bits))  # fmt: skip
    log.close()
    write_video(folder / "video.mp4", noise(len(WHOLE)), HZ)
    write_json(folder / FACTS, {"format": 2, "id": ID, "game": "hop", "fps": float(HZ),
                                "frames": len(WHOLE)})  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "mine.mp4", noise(FRAMES, 4), HZ)


def shown(_: Any, wrong: int = 0) -> PadStates:
    """What the controller in the video shows, from the third second of the recording on."""
    part = WHOLE.part(BEGINS, BEGINS + FRAMES)
    buttons = part.buttons.copy()
    buttons[:wrong, BUTTONS.index("south")] ^= True
    return PadStates(buttons, part.sticks, part.triggers)


def test_the_truth_is_what_was_recorded(recording: Path) -> None:
    truth = read_truth(recording)
    assert truth.hz == HZ
    np.testing.assert_array_equal(truth.states.buttons, WHOLE.buttons)
    np.testing.assert_allclose(truth.states.sticks, WHOLE.sticks, atol=1e-6)


def test_a_right_reading_is_right(recording: Path, video: Path) -> None:
    """And what is right without looking stands beside it."""
    found = bench(video, read_truth(recording), ways(shown))
    assert found.offset == pytest.approx(BEGINS / HZ, abs=0.5 / HZ + 1e-6)
    assert found.frames >= FRAMES - 1
    assert found.score.accuracy > 0.999
    assert found.score.f1 > 0.99
    assert found.score.r2 > 0.99
    assert found.blind.f1 == 0
    assert found.blind.r2 <= 0
    assert found.blind.accuracy == pytest.approx(found.score.always_off)
    assert set(found.buttons) == {"south", "west"}


def test_a_wrong_reading_costs_what_is_wrong(recording: Path, video: Path) -> None:
    """Sixty of 240 frames with one of 17 buttons wrong."""
    truth = read_truth(recording)
    found = bench(video, truth, ways(lambda v: shown(v, 60)), offset=BEGINS / HZ + 0.5 / HZ)
    assert found.agreement is None
    assert found.score.accuracy == pytest.approx(1 - 60 / FRAMES / 17, abs=1e-3)
    assert found.score.worst[0] == "south"
    late = bench(video, truth, ways(shown), offset=BEGINS / HZ + 10.5 / HZ)
    assert late.score.r2 < 0.95


def test_a_video_beside_the_recording(recording: Path, video: Path) -> None:
    truth = read_truth(recording)
    with pytest.raises(NotAligned, match="500 seconds into the recording nothing"):
        bench(video, truth, ways(shown), offset=500.0)
    with pytest.raises(BadVideo, match="no controller is found"):
        bench(video, truth, ways(shown, lambda _: []))


def test_the_command(recording: Path, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One object with figures, or tables and a line that says where the video begins."""
    monkeypatch.setattr(one, "known_ways", lambda *_: ways(shown))
    asked = ["bench", "--video", str(video), "--truth", str(recording)]
    done = CliRunner().invoke(dataset, [*asked, "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["reading"]["accuracy"] > 0.999
    assert said["always_off_and_centre"]["macro_f1"] == 0
    assert said["offset"]["given"] is False
    plain = CliRunner().invoke(dataset, [*asked, "--offset", "3.01"])
    assert plain.exit_code == 0, plain.output
    assert "always off, centre" in plain.stdout
    assert "(given)" in plain.stderr
