"""Paused mode where this process does not run in time: what nobody saw is not counted on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the preloaded pad is for Linux", allow_module_level=True)

from nitropilot.agent.record.switch import RecordingPlan
from tests.agent.playing import Gate, Stage, at_call, attach, paused_only, reasons_of, until
from tests.agent.record.test_recording import only_folder, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = [pytest.mark.game, paused_only]


def test_a_chunk_that_comes_after_the_freeze_is_not_played(
    stage: Stage, runner: LaunchedGame
) -> None:
    """A process that was stopped while it computed comes back to a game that ran on."""
    engine = Gate(stage.engine())
    session = stage.playing(attach(runner), engine=engine)
    engine.shut()
    assert session.game is not None
    hand, chunks = session.game.controls.hand, session.stats.chunks
    hand._link.computing = False  # as a stopped process: nothing renews the freeze
    until(lambda: hand.freeze_ended, "the end of the freeze")
    engine.open()
    until(lambda: session.stats.chunks > chunks, "it plays on")
    session.stop("enough")
    assert session.wait(60)
    assert reasons_of(session, "after the freeze had ended")


def test_nothing_follows_a_lapse(stage: Stage, runner: LaunchedGame, tmp_path: Path) -> None:
    """The pad rested and the game ran: who learns from it must not pair what lies on both sides."""
    root = tmp_path / "recordings"
    session = stage.playing(attach(runner), recording=RecordingPlan(root, at_once=True))
    assert session.game is not None
    controls = session.game.controls

    def lapse() -> None:
        controls.hand.lapses += 1

    at_call(controls, "play", 3, lapse)
    before = session.stats.sent
    until(lambda: session.stats.sent > before + 100, "some chunks")
    session.stop("enough")
    assert session.wait(60)
    assert max(row["stretch"] for row in rows_of(only_folder(root))) > 0
