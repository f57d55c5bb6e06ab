"""Falling from one engine to the next: once, in time, and never silently (invariant 4)."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from nitropilot.engines import EngineUnavailable, OutOfMemory, chooser, load_engine
from nitropilot.engines.chooser import Backend
from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.policy import random_policy
from tests.engines.examples import example

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.engines import ActionChunk, Engine, Request
    from nitropilot.engines.wish import Wish


class Full(TorchEngine):
    """Runs out of memory at its second batch, as a card does when the game takes more."""

    calls = 0

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As the real engine, once."""
        self.calls += 1
        if self.calls > 1:
            raise OutOfMemory("the card is full")
        return super().infer_batch(requests)


def opens_torch(wish: Wish, reason: str) -> Engine:
    """A real engine."""
    return TorchEngine(random_policy("tiny", 0), reason)


def opens_full(wish: Wish, reason: str) -> Engine:
    """One that fails in mid-play."""
    return Full(random_policy("tiny", 0), reason)


def is_full(wish: Wish, reason: str) -> Engine:
    """One that fails at once."""
    raise OutOfMemory("no room for the weights")


def refuses(wish: Wish, reason: str) -> Engine:
    """One that cannot run this policy."""
    raise EngineUnavailable("its pads are too long", "shorten them")


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace the table of backends by modules made of the given functions."""

    def replace(*openers: Callable[[Wish, str], Engine]) -> None:
        table = []
        for number, opener in enumerate(openers):
            module = ModuleType(f"engines.fake_{number}")
            module.available = lambda device: "a test's machine"  # type: ignore[attr-defined]
            module.open_engine = opener  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, module.__name__, module)
            table.append(Backend("torch", ("cuda", "cpu")[number], module.__name__, "nothing"))
        monkeypatch.setattr(chooser, "BACKENDS", tuple(table))

    return replace


def test_out_of_memory_at_the_start(
    backends: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """The next engine takes over and says what it stands in for."""
    backends(is_full, opens_torch)
    engine = load_engine("random:tiny")
    assert engine.warm_up() > 0
    assert "not torch on cuda: no room for the weights" in engine.info.reason
    assert "falling back" in caplog.text


def test_out_of_memory_in_mid_play(
    backends: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """The chunk that met it is still answered."""
    backends(opens_full, opens_torch)
    engine = load_engine("random:tiny")
    assert "not " not in engine.info.reason
    policy = random_policy("tiny", 0)
    for _ in range(3):
        assert engine.infer(*example(policy)).actions.shape == (16, 25)
    assert "the card is full" in engine.info.reason
    assert caplog.text.count("falling back") == 1
    engine.close()


def test_it_falls_once(backends: Callable[..., None]) -> None:
    """When the last engine is full as well there is nothing left to try."""
    backends(opens_full, opens_full)
    engine = load_engine("random:tiny")
    policy = random_policy("tiny", 0)
    engine.infer(*example(policy))
    engine.infer(*example(policy))
    with pytest.raises(OutOfMemory, match="the card is full"):
        engine.infer(*example(policy))


def test_what_was_asked_for_by_name_does_not_fall(backends: Callable[..., None]) -> None:
    """Somebody who names an engine and a device wants to hear why not."""
    backends(is_full, opens_torch)
    with pytest.raises(OutOfMemory, match="no room"):
        load_engine("random:tiny", engine="torch", device="cuda")


def test_a_policy_that_one_engine_cannot_run(backends: Callable[..., None]) -> None:
    """The next one can, and says why it was taken."""
    backends(refuses, opens_torch)
    engine = load_engine("random:tiny")
    assert "not torch on cuda: its pads are too long" in engine.info.reason


def test_no_engine_works(backends: Callable[..., None]) -> None:
    """All reasons in one line."""
    backends(refuses, refuses)
    with pytest.raises(EngineUnavailable, match="no engine works here") as failure:
        load_engine("random:tiny")
    assert "on cuda" in str(failure.value)
    assert "on cpu" in str(failure.value)
    assert failure.value.hint == "shorten them"
