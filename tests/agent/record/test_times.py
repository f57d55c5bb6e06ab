"""What a recording teaches: each frame with the action whose effect it shows.

The game shows its pad, and writes down when.  So a picture's time can be held against what was on
the screen at that time, and its label against what was on the pad.
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from nitropilot.agent import PlaySettings
from nitropilot.agent.record.switch import RecordingPlan
from nitropilot.agent.target.launch import LaunchedGame, launch
from nitropilot.agent.target.recipe import Recipe
from nitropilot.capture.mss_grabber import MssGrabber
from nitropilot.engines.base import ActionChunk
from nitropilot.records.pairs import pairs
from nitropilot.records.reader import Recorded, chunk_folders, read_metadata, read_recording
from nitropilot.records.timeline import Timeline
from tests.agent.playing import PATIENCE_S, Gate, attach, until
from tests.agent.record.test_recording import only_folder
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay
    from nitropilot.capture.frame import Frame
    from nitropilot.engines.base import Engine, Request
    from tests.agent.playing import Stage

pytestmark = [
    pytest.mark.game,
    pytest.mark.skipif(sys.platform != "linux", reason="the preloaded pad is for Linux"),
]
STICK = 21
"""The channel of the left stick's x, from 0 to 1."""
CLOSE = 0.06
"""What encoding makes of a brightness, from -1 to 1."""
LEAST = 8
"""Rows that must be judged, each with an action that the others around it have not; how many more
there are depends on what else the machine does."""
STRAYS = 0.1
"""Of these the share, and one in any case, that may show another action: a machine that is busy
shows a drawn picture late, in one of some hundred rows."""
CLOCKS_S = 0.002
"""How well two clocks can be held against each other."""


class Levels(Gate):
    """A policy that holds its stick somewhere else in every tick."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.joins = False
        self._rng = np.random.default_rng(3)
        self.open()

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """Chunks of the real engine, with another stick."""
        chunks = super().infer_batch(requests)
        for chunk in chunks:
            levels = self._rng.permutation(np.linspace(0, 1, len(chunk.actions)))
            chunk.actions[:, STICK] = levels
        return chunks


@pytest.fixture
def echo(tmp_path: Path, display: PrivateDisplay) -> Iterator[LaunchedGame]:
    """The game that shows its pad."""
    recipe = Recipe(
        "echo", sys.executable, ("-m", "tests.agent.record.echo_game", str(tmp_path / "echo")),
        private_profile=False, environment=(("PYTHONPATH", str(ROOT)),),
    )  # fmt: skip
    game = launch(recipe, log=tmp_path / "log", display=display.name, timeout=PATIENCE_S)
    yield game
    game.close()


@pytest.fixture
def grabs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """When each grab began and was over, as they come: on a busy machine that is a while."""
    kept: list[tuple[float, float]] = []
    grab = MssGrabber.grab

    def timed(grabber: MssGrabber) -> Frame:
        frame = grab(grabber)
        kept.append((frame.time, time.perf_counter()))
        return frame

    monkeypatch.setattr(MssGrabber, "grab", timed)
    return kept


def brightness(video: Path) -> list[float]:
    """Of each frame, from -1 to 1."""
    with av.open(str(video)) as container:
        return [
            float(frame.to_ndarray(format="gray")[30:90, 40:120].mean()) / 127.5 - 1
            for frame in container.decode(video=0)
        ]


def record(stage: Stage, echo: LaunchedGame, tmp_path: Path, hz: float) -> Recorded:
    """Play and record for some seconds, with a pause in the middle."""
    root = tmp_path / "all"
    session = stage.playing(
        attach(echo),
        engine=Levels(stage.engine()),
        settings=PlaySettings(seed=1, action_hz=hz, mode=stage.mode),
        recording=RecordingPlan(root, at_once=True),
    )
    until(lambda: session.stats.sent > 2 * hz, "some play")
    session.pause()
    session.play()
    before = session.stats.sent
    until(lambda: session.stats.sent > before + 2 * hz, "more of it")
    session.stop()
    assert session.wait(PATIENCE_S)
    return read_recording(only_folder(root))


class Screen:
    """What the game showed: each level from the call that drew it until the next one was over."""

    def __init__(self, tmp_path: Path) -> None:
        lines = [line.split() for line in (tmp_path / "echo").read_text().splitlines()]
        self._begun, self._drawn, self._levels = zip(
            *(map(float, line) for line in lines if len(line) == 3), strict=True
        )
        self._looks = [(float(line[0]), float(line[1])) for line in lines if len(line) == 2]

    def levels(self, began: float, over: float) -> Sequence[float]:
        """All that may have been on it in that time."""
        first = bisect_right(self._drawn, began - CLOCKS_S) - 1
        return self._levels[max(first, 0) : bisect_right(self._begun, over + CLOCKS_S)]

    def saw_since(self, sent: float, began: float, over: float) -> bool:
        """Whether the game had looked at its pad between ``sent`` and then, and drawn what it
        saw, and nothing else while the picture was taken."""
        look = bisect_right(self._looks, (sent + CLOCKS_S, 0.0))
        if look == len(self._looks) or self._looks[look][1] > began - CLOCKS_S:
            return False
        drawn = bisect_right(self._begun, self._looks[look][1])
        return len(self.levels(began, over)) == 1 and (
            drawn == len(self._drawn) or self._drawn[drawn] < began - CLOCKS_S
            or self._begun[drawn] > over + CLOCKS_S
        )  # fmt: skip


@pytest.mark.parametrize("hz", [30.0, 60.0])
def test_frames_and_labels_agree(
    stage: Stage,
    echo: LaunchedGame,
    tmp_path: Path,
    hz: float,
    grabs: list[tuple[float, float]],
) -> None:
    """By their own times all of them do, however busy the machine is; and wherever the game had
    looked at its pad since a row's action was sent, that is the action which the row's frame shows.
    """
    recorded = record(stage, echo, tmp_path, hz)
    rows: list[dict[str, Any]] = recorded.rows.to_pylist()
    seen = brightness(recorded.video)
    assert len(seen) == len(rows)
    clock = time.time() - time.perf_counter()
    screen, ends = Screen(tmp_path), dict(grabs)
    begun = sorted(ends)
    owned, others, judged = 0, 0, set()
    lags = []
    for number, row in enumerate(rows[:-1]):
        after = rows[number + 1]
        if row["frame_repeated"]:
            continue
        assert row["sent_time"] <= row["frame_time"]
        if after["stretch"] == row["stretch"]:
            assert row["frame_time"] < after["sent_time"], "of the very tick whose row it is in"
        moment = min(begun, key=lambda began, row=row: abs(began + clock - row["frame_time"]))
        assert abs(moment + clock - row["frame_time"]) < CLOCKS_S
        possible = screen.levels(moment, ends[moment])
        assert min(abs(seen[number] - level) for level in possible) < CLOSE, "the picture's time"
        owned += 1
        lasts = after["stretch"] == row["stretch"]  # at a stretch's end the pad is let go
        if lasts and screen.saw_since(row["sent_time"] - clock, moment, ends[moment]):
            if abs(seen[number] - row["j_left"][0]) < CLOSE:
                judged.add(number)
            else:
                others += 1
        lags.append(row["frame_time"] - row["sent_time"])
    print(
        f"{stage.mode} at {hz:g} Hz: {owned} of {len(rows)} rows have a frame of their own, "
        f"in {len(judged)} of these the game had seen the row's own action, {others} "
        f"show another; taken {np.percentile(lags, 5) * 1000:.1f} to "
        f"{np.percentile(lags, 95) * 1000:.1f} ms after it"
    )
    assert len(judged) > LEAST
    assert others <= 1 + len(judged) * STRAYS, "the row's own action"
    for shift in (1, 3):
        check_pairs(recorded, seen, judged, shift)


def check_pairs(recorded: Recorded, seen: list[float], judged: set[int], shift: int) -> None:
    """The first action of a frame is for ``shift`` ticks after the one that the frame shows."""
    rows = recorded.rows.to_pylist()
    found = pairs(recorded.rows, Timeline(shift, 16))
    for frame, first in found:
        tick = first - shift
        assert rows[tick]["sent_time"] <= rows[frame]["frame_time"] < rows[tick + 1]["sent_time"]
        assert {row["stretch"] for row in rows[tick : first + 16]} == {rows[tick]["stretch"]}
        if frame in judged:
            assert abs(seen[frame] - rows[tick]["j_left"][0]) < CLOSE
    assert sum(frame in judged for frame, _ in found) > LEAST / 2


def test_a_pause_is_a_gap(stage: Stage, echo: LaunchedGame, tmp_path: Path) -> None:
    """What comes after it does not follow on what was before: no frame has actions of both."""
    recorded = record(stage, echo, tmp_path, 60.0)
    stretches = recorded.rows["stretch"].to_pylist()
    assert stretches[0] == 0
    assert stretches == sorted(stretches)
    assert stretches[-1] >= 1
    assert recorded.facts["chunks"] >= stretches[-1] + 1, "and a chunk ends there"
    with av.open(str(recorded.video)) as container:
        video = container.streams.video[0]
        times = [float(frame.pts * video.time_base) for frame in container.decode(video=0)]
    assert times == sorted(set(times))
    sent = recorded.rows["sent_time"].to_pylist()
    gap = stretches.index(stretches[-1])
    real = sent[gap] - sent[gap - 1]
    assert times[gap] - times[gap - 1] == pytest.approx(real, abs=0.02), "as long as it was"
    for chunk in chunk_folders(recorded.video.parent):
        about = read_metadata(chunk)["original_video"]
        assert about["start_time"] == pytest.approx(times[about["start_frame"]]), "gaps and all"
        last = about["end_time"] - 1 / 60
        assert last == pytest.approx(times[about["end_frame"] - 1])
