"""Recordings of sessions on a real game, read back with pyarrow and the video decoder."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the preloaded pad is for Linux", allow_module_level=True)

from nitropilot.agent import PlaySettings, Session, SessionState
from nitropilot.agent.errors import NotPossibleNow, RecordingFull
from nitropilot.agent.record.limits import Limits
from nitropilot.agent.record.recorder import row_of
from nitropilot.agent.record.switch import RecordingPlan
from nitropilot.agent.values import PadSample
from nitropilot.controller import Button, GamepadState
from nitropilot.records import format as layout
from nitropilot.records.reader import read_recording
from nitropilot.records.rows import Row, table_of
from tests.agent.playing import PATIENCE_S, attach, chunks_of, read_trace, until

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.launch import LaunchedGame
    from tests.agent.playing import Stage

HUGE = 1 << 60


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """All rows of a complete recording, in order."""
    found: list[dict[str, Any]] = []
    for chunk in sorted(folder.glob("*_chunk_*")):
        found += pq.read_table(chunk / layout.ACTIONS).to_pylist()
    return found


def frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def only_folder(root: Path) -> Path:
    """The one recording there; nothing unfinished is beside it."""
    (folder,) = root.iterdir()
    assert not folder.name.endswith(".part")
    assert not list(folder.rglob("*.part"))
    return folder


def recorded(stage: Stage, runner: LaunchedGame, root: Path, actions: int = 150) -> Session:
    """A session that has ended, recorded from its first action."""
    session = stage.playing(attach(runner), recording=RecordingPlan(root, at_once=True))
    until(lambda: session.stats.sent > actions, "enough actions")
    session.stop("enough")
    assert session.wait(5 * PATIENCE_S)
    assert session.state is SessionState.STOPPED, session.end
    return session


def test_a_row_for_every_frame_and_action(
    stage: Stage, runner: LaunchedGame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that is missing or out of place teaches a policy another button for every frame."""
    monkeypatch.setattr(layout, "CHUNK_S", 0.5)
    session = recorded(stage, runner, tmp_path / "all")
    folder = only_folder(tmp_path / "all")
    rows = rows_of(folder)
    assert read_recording(folder).rows.to_pylist() == rows
    assert frame_count(folder / "video.mp4") == len(rows)
    assert [row["frame_index"] for row in rows] == list(range(len(rows)))
    chunks = sorted(folder.glob("*_chunk_*"))
    sizes = [pq.read_metadata(chunk / layout.ACTIONS).num_rows for chunk in chunks]
    whole = Counter(row["stretch"] for row in rows)
    assert max(sizes) == 60
    assert sizes == [
        min(60, count - first)
        for _, count in sorted(whole.items())
        for first in range(0, count, 60)
    ], "full ones, but where the play had a gap"
    sent = [state for chunk in chunks_of(session) for state in chunk["states"]]
    played = [row for row in rows if row["policy_action"] >= 0]
    assert len(played) == len(sent)
    by_order = sorted(
        (sent, state)
        for chunk in chunks_of(session)
        for sent, state in zip(chunk["sent"], chunk["states"], strict=True)
    )
    for row, (_, state) in zip(played, by_order, strict=True):
        assert row["j_left"] == pytest.approx([state[0], -state[1]], abs=1e-4)
        assert row["j_right"] == pytest.approx([state[2], -state[3]], abs=1e-4)
        assert (row["trigger_left"], row["trigger_right"]) == (state[4], state[5])
        assert row["south"] == bool(Button(state[6]) & Button.A)
        assert row["left_trigger"] == (state[4] > 0.5)
    times = [row["sent_time"] for row in rows]
    assert times == sorted(times)
    assert abs(times[0] - session.created.timestamp()) < 3600


def test_the_published_keys(stage: Stage, runner: LaunchedGame, tmp_path: Path) -> None:
    """Readers of the published set find what they select by name, with its types."""
    recorded(stage, runner, tmp_path / "all", 30)
    folder = only_folder(tmp_path / "all")
    *before, chunk = sorted(folder.glob("*_chunk_*"))
    assert chunk.name == f"{folder.name}_chunk_{len(before):04d}"
    schema = pq.read_schema(chunk / layout.ACTIONS)
    assert all(str(schema.field(name).type) == "bool" for name in layout.PUBLISHED_BUTTONS)
    assert len(layout.PUBLISHED_BUTTONS) == 17
    assert {str(schema.field(n).type) for n in ("j_left", "j_right")} == {"list<element: double>"}
    facts = json.loads((folder / "recording.json").read_text())
    about = json.loads((chunk / layout.METADATA).read_text())
    assert set(about) == {
        "uuid", "chunk_id", "chunk_size", "game", "controller_type", "original_video",
        "bbox_controller_overlay", "bbox_game_area",
    }  # fmt: skip
    video = about["original_video"]
    assert set(video) == {
        "resolution", "video_id", "source", "url", "start_time", "end_time", "duration",
        "start_frame", "end_frame",
    }  # fmt: skip
    assert video["video_id"] == folder.name
    assert video["resolution"] == facts["resolution"]
    assert video["end_frame"] == facts["frames"] == len(rows_of(folder))
    assert video["end_frame"] - video["start_frame"] == about["chunk_size"]
    assert facts["reason"] == "enough"
    assert facts["policy"]["random"] is True
    assert "title" not in json.dumps(facts) + json.dumps(about)


def test_on_and_off_in_mid_play(stage: Stage, runner: LaunchedGame, tmp_path: Path) -> None:
    """Each switch makes one complete recording; none of them disturbs the play."""
    root = tmp_path / "all"
    session = stage.playing(attach(runner), recording=RecordingPlan(root))
    assert not root.exists()
    for number in (1, 2):
        session.recording.start()
        session.recording.start()
        until(lambda: session.recording.state.frames > 20, "some frames")
        session.recording.stop()
        session.recording.stop()
        assert not session.recording.state.enabled
        assert len(list(root.iterdir())) == number
    for folder in root.iterdir():
        assert len(rows_of(folder)) == frame_count(folder / "video.mp4") > 20
    before = session.stats.sent
    until(lambda: session.stats.sent > before + 30, "it plays on")
    session.stop("enough")
    assert session.wait(5 * PATIENCE_S)
    with pytest.raises(NotPossibleNow, match="nothing to record"):
        session.recording.start()


def test_a_full_disk_ends_the_recording_and_not_the_play(
    stage: Stage, runner: LaunchedGame, tmp_path: Path
) -> None:
    """A disk filled to the last byte takes the rest of the machine with it."""
    limits = [Limits(0)]
    root = tmp_path / "all"
    plan = RecordingPlan(root, at_once=True, limits=lambda: limits[0])
    session = stage.playing(attach(runner), recording=plan)
    assert session.recording._recorder is not None
    until(lambda: session.recording.state.frames > 10, "some frames")
    session.recording._recorder._limits = Limits(HUGE)
    until(lambda: session.recording.state.warning, "the warning")
    until(lambda: not list(root.glob("*.part")), "the recording is complete")
    folder = only_folder(root)
    assert len(rows_of(folder)) == frame_count(folder / "video.mp4") > 10
    assert "kept free" in json.loads((folder / "recording.json").read_text())["reason"]
    before = session.stats.sent
    until(lambda: session.stats.sent > before + 30, "it plays on")
    limits[0] = Limits(HUGE)
    with pytest.raises(RecordingFull, match="kept free"):
        session.recording.start()
    limits[0] = Limits(0, max_total=1)
    with pytest.raises(RecordingFull, match="of at most"):
        session.recording.start()
    session.stop("enough")
    assert session.wait(5 * PATIENCE_S)
    said = [line for line in read_trace(session) if line.get("what") == "recording"]
    assert len(said) == 1
    assert "kept free" in said[0]["reason"]


def test_no_room_at_the_start_is_a_warning(
    stage: Stage, runner: LaunchedGame, tmp_path: Path
) -> None:
    """Somebody who wants to play gets to play."""
    plan = RecordingPlan(tmp_path / "all", at_once=True, limits=lambda: Limits(HUGE))
    session = stage.playing(attach(runner), recording=plan)
    assert "kept free" in session.recording.state.warning
    assert list((tmp_path / "all").iterdir()) == []


def test_what_a_human_does_is_recorded_too(
    stage: Stage, runner: LaunchedGame, tmp_path: Path
) -> None:
    """Corrections of a human are what a policy learns most from."""
    root = tmp_path / "all"
    session = stage.playing(attach(runner), recording=RecordingPlan(root, at_once=True))
    until(lambda: session.recording.state.frames, "a frame of the agent's")
    session.takeover()
    session.control.tape.see(GamepadState(left=(0.1, 0.5), left_trigger=0.05, buttons=Button.B))
    before = session.recording.state.frames
    # What the agent had sent last may still wait to be encoded.
    until(lambda: session.recording.state.frames > before + 120, "frames of the human's")
    session.stop("enough")
    assert session.wait(5 * PATIENCE_S)
    folder = only_folder(root)
    rows = rows_of(folder)
    assert len(rows) == frame_count(folder / "video.mp4")
    human = [row for row in rows if row["source"] == "human"]
    assert len(human) >= 60
    assert rows[-60:] == human[-60:]
    steps = np.diff([row["sent_time"] for row in human])
    assert np.median(steps) > 0.8 / session.plan.settings.action_hz, "no faster than the video"
    for row in human:
        assert (row["east"], row["left_trigger"], row["trigger_left"]) == (True, False, 0.05)
        assert (row["j_left"], row["policy_chunk"]) == ([0.1, -0.5], -1)


def test_nothing_was_sent(stage: Stage, runner: LaunchedGame, tmp_path: Path) -> None:
    """A recording without a frame leaves nothing behind that would have to be explained."""
    plan = RecordingPlan(tmp_path / "all", at_once=True)
    session = stage.session(attach(runner), recording=plan, autoplay=False)
    session.start()
    until(lambda: session.state is SessionState.PAUSED, "attached")
    session.stop("enough")
    assert session.wait(5 * PATIENCE_S)
    assert list((tmp_path / "all").iterdir()) == []


def test_a_folder_that_goes_away(stage: Stage, runner: LaunchedGame, tmp_path: Path) -> None:
    """Somebody deletes the folder under a recording: a warning, and the play goes on."""
    root = tmp_path / "all"
    settings = PlaySettings(seed=1, action_hz=120.0, mode=stage.mode)
    plan = RecordingPlan(root, at_once=True)
    session = stage.playing(attach(runner), recording=plan, settings=settings)
    until(lambda: session.recording.state.frames > 10, "some frames")
    shutil.rmtree(root)
    before = session.stats.sent
    until(lambda: session.stats.sent > before + 300, "it plays on")
    session.stop("enough")
    assert session.wait(5 * PATIENCE_S)
    assert session.state is SessionState.STOPPED


@pytest.mark.parametrize("button", list(Button))
def test_every_button_has_its_column(button: Button) -> None:
    """A button in the wrong column is learned as another one."""
    expected = {
        Button.A: "south", Button.B: "east", Button.X: "west", Button.Y: "north",
    }.get(button, str(button.name).lower())  # fmt: skip
    row = row_of(
        GamepadState(buttons=button), 0, frame_time=0.0, sent_time=0.0, stretch=0, source="agent",
        policy_chunk=0, policy_action=0, frame_repeated=False,
    )  # fmt: skip
    assert row.pressed() == {expected}
    assert expected in layout.PUBLISHED_BUTTONS
    assert Row.parse(row.line()) == row


def test_a_moment_is_of_when_it_was_made() -> None:
    """The encoder may be late: stamped there, an idle tick would come after what followed it."""
    before = time.perf_counter()
    idle = PadSample(GamepadState(), source="none")
    assert before <= idle.sent <= PadSample(GamepadState(), time.perf_counter()).sent


def test_up_is_negative() -> None:
    """The published sticks grow downward; the pad's grow upward."""
    state = GamepadState(left=(0.5, 1.0), right=(-0.25, -1.0), left_trigger=0.2)
    row = row_of(
        state, 0, frame_time=0.0, sent_time=0.0, stretch=0, source="human", policy_chunk=-1,
        policy_action=-1, frame_repeated=True,
    )  # fmt: skip
    (read,) = table_of([row]).to_pylist()
    assert read["j_left"] == [0.5, -1.0]
    assert read["j_right"] == [-0.25, 1.0]
    assert read["left_trigger"] is True
    assert read["trigger_left"] == 0.2
    assert str(read["j_left"][0]) != "-0.0"
