"""A real game played through a real policy server, which is killed and comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.agent import SessionState
from nitropilot.engines import load_engine
from tests.agent.playing import (
    PATIENCE_S,
    Stage,
    attach,
    gone,
    hand_pid,
    neutral,
    page_of,
    reasons_of,
    runs_on,
    stopped,
    until,
)
from tests.server.policy_server.processes import PolicyServer, policy_server

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = pytest.mark.game


def test_the_server_dies_in_mid_play(stage: Stage, runner: LaunchedGame, tmp_path: Path) -> None:
    """``kill -9`` there: pad neutral and game running here, until the next server listens."""
    with policy_server(tmp_path / "first") as first:
        engine = load_engine("", server=first.address)
        session = stage.playing(attach(runner), engine=engine)
        assert session.loop is not None
        loop = session.loop
        until(lambda: not neutral(page_of(session)), "something is pressed")
        first.kill()
        until(lambda: "is gone" in loop.waiting_for, "it says what it waits for")
        sent = session.stats.sent
        for _ in range(20):
            until(lambda: not stopped(runner.process.pid), "the game is not held")
            assert neutral(page_of(session))
        runs_on(runner)
        assert (session.state, session.stats.sent) == (SessionState.PLAYING, sent)
        second = PolicyServer(tmp_path / "second", port=first.port)
    try:
        until(lambda: session.stats.sent > sent + 16, "play goes on")
        assert loop.waiting_for == ""
        session.stop()
        assert session.wait(PATIENCE_S)
    finally:
        second.kill()
    reasons = reasons_of(session, "is gone")
    assert len(reasons) == len(set(reasons)), "each reason is said once"
    assert gone(hand_pid(session))
    assert neutral(page_of(session))
    runs_on(runner)


def test_another_policy_ends_the_play(stage: Stage, runner: LaunchedGame, tmp_path: Path) -> None:
    """What comes back must be what was agreed on: other weights would play another game."""
    with policy_server(tmp_path / "first") as first:
        engine = load_engine("", server=first.address)
        session = stage.playing(attach(runner), engine=engine)
        first.kill()
        second = PolicyServer(tmp_path / "second", port=first.port, policy="random:tiny:7")
    try:
        assert session.wait(PATIENCE_S)
    finally:
        second.kill()
    assert session.state is SessionState.FAILED
    assert session.end is not None
    assert "came back with another policy" in session.end.reason
    assert neutral(page_of(session))
    runs_on(runner)
