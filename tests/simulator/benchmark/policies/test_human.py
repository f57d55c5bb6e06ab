"""A person enters: their pad is pressed in the same environment, and kept in the same record."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from nitropilot.controller.errors import PadUnavailable
from nitropilot.controller.human.reader import HumanPads, HumanReport
from nitropilot.controller.state import Button, GamepadState
from nitropilot.simulator.benchmark.policies import builtin
from nitropilot.simulator.benchmark.policies.builtin import Human, check_pads
from nitropilot.simulator.benchmark.policies.errors import EntryError, UnknownPolicy
from nitropilot.simulator.benchmark.policies.naming import Entry, parse_entry
from nitropilot.simulator.benchmark.runner.episode import Job, _play
from nitropilot.simulator.benchmark.runner.mind import NearMind
from nitropilot.simulator.benchmark.runner.stage import Stage
from nitropilot.simulator.benchmark.runner.tracks import play
from nitropilot.simulator.environments.actions import pad_state
from nitropilot.simulator.environments.arcade_env import ArcadeEnv
from nitropilot.simulator.environments.errors import NotPlayable

if TYPE_CHECKING:
    from collections.abc import Iterator

RIGHT = GamepadState(left=(1.0, 0.0))
JUMP = GamepadState(left=(1.0, 0.0), buttons=Button.A)


class Hands(HumanPads):
    """A pad on which somebody presses and lets go, by the number of looks at it."""

    def __init__(self) -> None:
        self.looks = -1
        self._told: Iterator[GamepadState] = iter(())

    def poll(self, timeout: float) -> GamepadState | None:
        """Two changes at once where something is pressed: only the last one is there."""
        assert timeout == 0.0, "a game does not wait for a person"
        state = next(self._told, None)
        if state is None:
            self.looks += 1
            states = {10: [GamepadState(), RIGHT], 20: [JUMP], 30: [GamepadState()]}
            self._told = iter(states.get(self.looks, []))
        return state

    def wake(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is held."""


def test_what_a_person_presses_is_played_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held stays, the newest counts, and the world goes as it is pressed."""
    monkeypatch.setattr(builtin, "open_human_pads", Hands)
    with closing(ArcadeEnv("runner-1", 32)) as env:
        env._limit = 60
        stage = Stage(env, 3, {})
        play(stage, NearMind(Human()), "realtime")
        pressed = [pad_state(action) for action in stage.trace]
        assert stage.steps == 60
        place = stage.judged["x"]
    first, jump = pressed.index(RIGHT), pressed.index(JUMP)
    let_go = jump + pressed[jump:].index(GamepadState())
    assert pressed[:first] == [GamepadState()] * first
    assert set(pressed[first:jump]) == {RIGHT}
    assert set(pressed[jump:let_go]) == {JUMP}
    assert set(pressed[let_go:]) == {GamepadState()}
    assert (jump - first, let_go - jump) == (10, 10)
    with closing(ArcadeEnv("runner-1", 32)) as env:
        env.reset(seed=3)
        for action in stage.trace:
            *_, info = env.step(np.asarray(action))
        assert info["judge"]["x"] == place


def test_a_person_is_entered_by_their_own_command() -> None:
    """A run on a server would wait for a pad that nobody holds."""
    with pytest.raises(UnknownPolicy, match="a person is no --policy") as error:
        parse_entry("human")
    assert "benchmark record" in error.value.hint
    assert Entry("human", "human").built_in


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (HumanReport(True, "read", pads=0), "there is no gamepad; plug one in"),
        (HumanReport(False, "no right to", "join the group input"), "cannot be read: no right to"),
    ],
)
def test_nobody_plays_without_a_pad(
    report: HumanReport, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said before any game is started."""
    monkeypatch.setattr(builtin, "human_report", lambda: report)
    with pytest.raises(EntryError) as error:
        check_pads()
    assert said in error.value.line()
    monkeypatch.setattr(builtin, "human_report", lambda: HumanReport(True, "read", pads=None))
    check_pads()


def episode(monkeypatch: pytest.MonkeyPatch, opened: Any) -> dict[str, Any]:
    """A short one of a person whose pads are opened in this way, as it is written down."""
    monkeypatch.setattr(builtin, "open_human_pads", opened)
    told: dict[str, Any] = _play(
        Job("arcade", "maze-1", 3, "realtime", Human.card.plain()),
        cast("Any", SimpleNamespace(send=lambda _said: None)),
    )["done"]
    return told


def test_pads_that_cannot_be_read_after_all_are_no_fault_of_the_game(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A game that was blamed would be played again and again."""

    def denied() -> HumanPads:
        raise PadUnavailable("no right to read /dev/input", "join the group input")

    told = episode(monkeypatch, denied)
    assert (told["end"], told["steps"]) == ("policy crashed", 0)
    assert told["error"] == (
        "a person's pad cannot be read: no right to read /dev/input; join the group input"
    )


def test_who_plays_is_ready_before_the_game_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """In real time a game waits for nobody: what a slow start took would be a lapse of the game."""
    order: list[str] = []
    monkeypatch.setattr(Human, "begin", lambda *_: order.append("player"))

    def game(*_: object) -> Any:
        order.append("game")
        raise NotPlayable("it was only asked when it begins")

    monkeypatch.setattr(ArcadeEnv, "_begin", game)
    assert episode(monkeypatch, Hands)["end"] == "game not started"
    assert order == ["player", "game"]
