"""A policy's own timeline, played on a real game: what a chunk begins with, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.agent import Mode, PlaySettings
from nitropilot.agent.errors import AgentError
from tests.agent.playing import Gate, Stage, attach, chunks_of, paused_only, read_trace, until

if TYPE_CHECKING:
    from nitropilot.agent.target.launch import LaunchedGame

pytestmark = [pytest.mark.game, paused_only]
HZ = 60.0
HORIZON = 16


def shifted(stage: Stage, **facts: Any) -> Gate:
    """An engine whose policy was trained with another timeline."""
    engine = Gate(stage.engine())
    engine.spec = replace(engine.spec, **facts)
    engine.open()
    return engine


def play(stage: Stage, runner: LaunchedGame, engine: Gate, **settings: Any) -> list[dict[str, Any]]:
    """Play some chunks in paused mode; the trace's lines of them."""
    session = stage.playing(
        attach(runner), engine=engine, settings=PlaySettings(seed=1, mode=Mode.PAUSED, **settings)
    )
    until(lambda: session.stats.chunks > 6, "some chunks")
    session.stop()
    assert session.wait(60)
    return chunks_of(session)


def played_after(chunk: dict[str, Any], moment: float) -> list[int]:
    """Which of a chunk's actions were sent after a moment."""
    return [n for n, sent in zip(chunk["rows"], chunk["sent"], strict=True) if sent > moment]


@pytest.mark.parametrize("count", [None, 5, 1])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_a_frozen_game_is_looked_at_as_early_as_the_policy_wants(
    stage: Stage, runner: LaunchedGame, shift: int, count: int | None
) -> None:
    """With a shift of 3 two actions of the chunk before are between the frame and the chunk."""
    engine = shifted(stage, action_shift=shift)
    chunks = play(stage, runner, engine, action_hz=HZ, actions_per_chunk=count)
    lead, stale = max(shift - 1, 0), max(1 - shift, 0)
    plays = min(count or HORIZON, HORIZON - stale)
    assert len(chunks) > 4
    planned = list(range(stale, stale + plays))
    whole = [chunk["rows"] for chunk in chunks[:-2]]  # the last ones were cut off
    assert planned in whole
    assert all(set(rows) <= set(planned) for rows in whole), "a busy machine drops late ones"
    between = []
    for number, chunk in enumerate(chunks[1:-2], 1):
        if chunk["sent"]:
            since = [played_after(before, chunk["frame"]) for before in chunks[:number]]
            between.append(sum(map(len, since)))
    assert max(between) == lead, "actions between the frame and the chunk's first"


def test_before_the_first_chunk_the_pad_is_neutral(stage: Stage, runner: LaunchedGame) -> None:
    """Nothing was planned for the ticks between the first frame and its first action."""
    chunks = play(stage, runner, shifted(stage, action_shift=9), action_hz=HZ)
    ready = chunks[0]["frozen"] + sum(chunks[0]["seconds"].values())
    assert chunks[0]["sent"][0] - ready > 7.5 / HZ


def test_the_policys_own_rate(stage: Stage, runner: LaunchedGame) -> None:
    """What was learned at 30 Hz is twice as fast at 60; who plays may say otherwise."""
    engine = shifted(stage, action_hz=25.0)
    for asked, hz in ((None, 25.0), (50.0, 50.0)):
        session = stage.playing(
            attach(runner),
            engine=engine,
            settings=PlaySettings(seed=1, mode=Mode.PAUSED, action_hz=asked),
        )
        session.stop()
        assert session.wait(60)
        assert read_trace(session)[0]["action_hz"] == hz
        due = chunks_of(session)[0]["due"]
        assert due[1] - due[0] == pytest.approx(1 / hz, rel=1e-3)
        engine = shifted(stage, action_hz=25.0)


def test_an_offset_moves_every_action(stage: Stage, runner: LaunchedGame) -> None:
    """To measure which shift a policy really has."""
    chunks = play(stage, runner, shifted(stage), action_hz=HZ, action_offset=2)
    assert played_after(chunks[0], chunks[1]["frame"]) == [HORIZON - 2, HORIZON - 1]


def test_an_offset_that_leaves_nothing_to_play(stage: Stage) -> None:
    """Refused before the game is touched."""
    spec = replace(stage.engine().spec, action_shift=1)
    PlaySettings(action_offset=-HORIZON + 1).of(spec)
    with pytest.raises(AgentError, match="none could be played") as refused:
        PlaySettings(action_offset=-HORIZON).of(spec)
    assert refused.value.hint == f"use {-HORIZON + 1} or more"
