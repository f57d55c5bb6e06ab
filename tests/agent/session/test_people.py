"""A session in which nobody plays but people: nothing is loaded, and their play is recorded."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent import PlaySettings, SessionState
from nitropilot.agent.errors import NotPossibleNow
from nitropilot.agent.play.people import Nobody
from nitropilot.agent.record import recorder
from nitropilot.agent.record.limits import GIB, Limits
from nitropilot.agent.record.switch import RecordingPlan
from nitropilot.agent.session.human import HumanPlay, HumanThread
from nitropilot.agent.session.takeover import TakeoverSettings
from nitropilot.controller import Button, GamepadState
from nitropilot.records.reader import read_recording
from tests.agent.playing import PATIENCE_S, Stage, attach, pad_values, page_of, paused_only, until
from tests.agent.record.test_recording import only_folder
from tests.agent.session.test_human_play import Pads

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.launch import LaunchedGame


pytestmark = [pytest.mark.game, paused_only]


def test_what_a_person_does_is_recorded_and_nothing_else(
    stage: Stage, runner: LaunchedGame, tmp_path: Path
) -> None:
    """From the first touch on, with the pictures of that time, and the game never stands still."""
    root, pads = tmp_path / "all", Pads()
    session = stage.session(
        attach(runner),
        engine=Nobody,
        settings=PlaySettings(action_hz=30.0),
        people_only=True,
        takeover=TakeoverSettings(pad=True),
        recording=RecordingPlan(root, at_once=True),
    )
    with ExitStack() as stack:
        thread = HumanThread(pads, HumanPlay(lambda: [session.control]))
        stack.callback(thread.close)
        session.start()
        until(lambda: session.state is SessionState.TAKEOVER, "it is theirs")
        facts = session.facts()
        assert (facts.policy, facts.engine) == (None, None)
        assert session.recording.state.frames == 0
        pads.states.put(GamepadState(left=(0.5, 0.0), buttons=Button.A))
        page = page_of(session)
        until(lambda: pad_values(page)[3][0] == 1, "the game sees what they press")
        until(lambda: session.recording.state.frames > 30, "frames")
        pads.states.put(GamepadState(buttons=Button.B))
        until(lambda: session.recording.state.frames > 60, "more of them")
        for act in (session.play, session.control.play):
            with pytest.raises(NotPossibleNow, match="only records what people do"):
                act()
        assert session.state is SessionState.TAKEOVER
        session.stop("enough")
        assert session.wait(PATIENCE_S)
    assert session.state is SessionState.STOPPED, session.end
    recorded = read_recording(only_folder(root))
    rows = recorded.rows.to_pylist()
    assert {row["source"] for row in rows} == {"human"}
    assert rows[0]["south"]
    assert rows[-1]["east"]
    assert "policy" not in recorded.facts
    assert session.stats.sent == session.stats.chunks == 0
    assert session.stats.frozen_seconds == 0


def test_no_room_is_said_before_the_game_is_there(
    stage: Stage, runner: LaunchedGame, tmp_path: Path
) -> None:
    """Who plays for an hour and then reads that nothing was kept has lost it."""
    plan = RecordingPlan(tmp_path / "all", at_once=True, limits=lambda: Limits(keep_free=2**60))
    session = stage.session(attach(runner), engine=Nobody, people_only=True, recording=plan)
    session.start()
    assert session.wait(PATIENCE_S)
    assert session.state is SessionState.FAILED
    assert session.game is None
    assert session.end is not None
    assert "free" in session.end.reason


def test_it_ends_with_the_recording(
    stage: Stage, runner: LaunchedGame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills in mid-play: nothing that is done from then on would be kept."""
    monkeypatch.setattr(recorder, "LOOK_EVERY", 1)
    free = [10 * GIB]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free[0]))
    root, pads = tmp_path / "all", Pads()
    plan = RecordingPlan(root, at_once=True)
    session = stage.session(
        attach(runner), engine=Nobody, people_only=True, takeover=TakeoverSettings(pad=True),
        recording=plan,
    )  # fmt: skip
    with ExitStack() as stack:
        thread = HumanThread(pads, HumanPlay(lambda: [session.control]))
        stack.callback(thread.close)
        session.start()
        until(lambda: session.state is SessionState.TAKEOVER, "it is theirs")
        pads.states.put(GamepadState(left=(0.5, 0.0)))
        until(lambda: session.recording.state.frames > 10, "frames")
        free[0] = 0
        assert session.wait(PATIENCE_S)
    assert session.end is not None
    assert session.end.reason.startswith("the recording ended: ")
    assert read_recording(only_folder(root)).rows.num_rows > 10


def test_who_never_touches_a_pad_leaves_nothing(
    stage: Stage, runner: LaunchedGame, tmp_path: Path
) -> None:
    """What is done with a keyboard is not known, and is not called nothing."""
    root = tmp_path / "all"
    session = stage.session(
        attach(runner), engine=Nobody, people_only=True,
        recording=RecordingPlan(root, at_once=True),
    )  # fmt: skip
    session.start()
    until(lambda: session.state is SessionState.TAKEOVER, "it is theirs")
    session.control.panic()
    assert session.state is SessionState.PAUSED
    session.takeover()
    session.stop()
    assert session.wait(PATIENCE_S)
    assert list(root.iterdir()) == []
