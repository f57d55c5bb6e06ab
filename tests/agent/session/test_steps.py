"""How many Euler steps are chosen, and that no choice comes from what nobody measured."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent import AgentError, Mode, PlaySettings
from nitropilot.agent.session import steps as room
from nitropilot.agent.session.steps import choose_steps, open_with_steps, rows_for
from nitropilot.engines import load_engine
from nitropilot.policy import PolicyError
from nitropilot.policy.steps_rows import StepsRow
from tests.policy.checkpoints import MICRO, changed, micro_weights, write_safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from nitropilot.engines import Engine


def row(steps: int, success: float, actions: int = 8, progress: float = 0.5) -> StepsRow:
    """A figure of ten levels."""
    return StepsRow(steps=steps, actions=actions, success=success, progress=progress, levels=10)


TABLE = (row(1, 0.2), row(2, 0.5), row(4, 0.7), row(8, 0.6), row(4, 0.9, actions=4))
SECONDS = {1: 0.01, 2: 0.02, 4: 0.04, 8: 0.08}
"""A chunk of eight actions at 60 Hz lasts 133 ms, half of it 67 ms."""


@pytest.mark.parametrize(
    ("times", "mode", "steps", "says"),
    [
        (1.0, Mode.REALTIME, 4, "70% of 10 levels with 8 actions of a chunk, which takes 40.0 ms"),
        (2.0, Mode.REALTIME, 2, "less than half of the 133 ms"),
        (5.0, Mode.REALTIME, 1, "less than half"),
        (50.0, Mode.REALTIME, 1, "none is ready in half of the 133 ms"),
        (50.0, Mode.PAUSED, 4, "takes 2000.0 ms for which the game waits"),
        (2.0, Mode.PAUSED, 4, "takes 80.0 ms for which the game waits"),
        (2.0, Mode.AUTO, 2, "less than half"),
        (50.0, Mode.AUTO, 4, "for which the game waits"),
    ],
)  # fmt: skip
def test_the_best_that_is_there_in_time(times: float, mode: Mode, steps: int, says: str) -> None:
    """A slow machine would miss its ticks; a fast one would play worse than it could."""
    seconds = {count: times * taken for count, taken in SECONDS.items()}
    choice = choose_steps(rows_for(TABLE, 8), seconds, 8 / 60, mode)
    assert choice.steps == steps
    assert choice.reason.startswith("auto: ")
    assert says in choice.reason


def test_figures_of_other_actions_do_not_count() -> None:
    """With four actions of a chunk it plays otherwise."""
    assert [each.steps for each in rows_for(TABLE, 4)] == [4]
    assert rows_for(TABLE, 16) == []


def test_of_equals_the_one_with_fewer_steps() -> None:
    """More would take longer for nothing; progress decides before that."""
    assert [each.steps for each in rows_for((row(8, 0.5), row(4, 0.5)), 8)] == [4, 8]
    better = row(8, 0.5, progress=0.6)
    assert rows_for((row(4, 0.5), better), 8)[0] is better


def test_what_was_not_timed_is_not_chosen() -> None:
    """Half the time of eight steps is no measurement of four."""
    rows = rows_for(TABLE, 8)
    assert choose_steps(rows, {8: 0.02, 1: 0.001}, 8 / 60, Mode.REALTIME).steps == 8
    none = choose_steps(rows, {3: 0.001}, 8 / 60, Mode.REALTIME)
    assert none.steps is None
    assert "none of what was measured could be timed here" in none.reason


class Opened:
    """Opens a policy, and notes with which steps; ``close`` is counted."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.asked: list[int | None] = []
        self.open = 0

    def __call__(self, steps: int | None) -> Engine:
        self.asked.append(steps)
        engine = load_engine(self.policy, engine="torch", device="cpu", steps=steps)
        self.open += 1
        close = engine.close

        def closed() -> None:
            close()
            self.open -= 1

        engine.close = closed  # type: ignore[method-assign]  # counted, and done all the same
        return engine


@pytest.fixture
def told(tmp_path: Path) -> str:
    """A checkpoint of two steps that was measured to play best with three."""
    rows = [row(1, 0.1, actions=2).model_dump(), row(3, 0.9, actions=2).model_dump()]
    config = changed(MICRO, "nitropilot", {"steps": 2, "actions": 2, "steps_table": rows})
    return str(write_safetensors(tmp_path / "told.safetensors", micro_weights(), config))


def test_auto_plays_with_what_was_measured(told: str, caplog: pytest.LogCaptureFixture) -> None:
    """From the table through the measurement here to the engine that plays; timed once."""
    opened = Opened(told)
    with closing(open_with_steps(opened, "auto", told, PlaySettings())) as engine:
        assert engine.spec.steps == 3
        assert "3 Euler steps, auto: won 90% of 10 levels" in engine.described.reason
        assert opened.open == 1
    assert opened.open == 0
    assert "measuring what a chunk takes here" in caplog.text
    caplog.clear()
    again = Opened(told)
    open_with_steps(again, "auto", told, PlaySettings()).close()
    assert again.asked == [None, 3]
    assert "measuring" not in caplog.text


def test_without_a_table_the_policy_decides(told: str) -> None:
    """And it is said, also with which actions it was measured."""
    with closing(
        open_with_steps(Opened("random:tiny"), "auto", "random:tiny", PlaySettings())
    ) as engine:
        assert engine.spec.steps == 16
        assert "the policy's own: nothing was measured with 16 actions" in engine.steps_reason
    settings = PlaySettings(actions_per_chunk=4)
    with closing(open_with_steps(Opened(told), "auto", told, settings)) as engine:
        assert engine.spec.steps == 2
        assert "with 4 actions of a chunk, only with 2" in engine.steps_reason


def test_nobody_asked(told: str) -> None:
    """Then nothing is measured, and nothing is said."""
    opened = Opened(told)
    with closing(open_with_steps(opened, None, told, PlaySettings())) as engine:
        assert engine.spec.steps == 2
        assert engine.described == engine.info
    assert opened.asked == [None]


def test_a_number_is_taken(told: str) -> None:
    """Asked for is asked for, whatever was measured."""
    with closing(open_with_steps(Opened(told), 5, told, PlaySettings())) as engine:
        assert engine.spec.steps == 5
        assert "5 Euler steps, asked for" in engine.described.reason
    with pytest.raises(PolicyError, match="steps is 0"):
        open_with_steps(Opened(told), 0, told, PlaySettings())


def test_a_policy_server_has_its_own() -> None:
    """Its clients cannot measure what it takes, nor change it."""
    with pytest.raises(AgentError, match="a policy server decides"):
        open_with_steps(Opened(""), "auto", "", PlaySettings())


def test_a_failure_leaves_no_engine_behind(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that nobody can free take memory until the daemon ends."""

    def broken(*_: object) -> None:
        raise AgentError("broken", "")

    monkeypatch.setattr(room, "rows_for", broken)
    opened = Opened(told)
    with pytest.raises(AgentError, match="broken"):
        open_with_steps(opened, "auto", told, PlaySettings())
    assert opened.open == 0
