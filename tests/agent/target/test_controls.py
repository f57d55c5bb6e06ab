"""``Controls`` with a real pad page, a real process and a real watchdog."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the preloaded pad and SIGSTOP are for Linux", allow_module_level=True)

from nitropilot.agent.target.controls import NO_EPOCH, Controls
from nitropilot.controller import (
    Button,
    GamepadState,
    PadPage,
    PauseFailed,
    Pauser,
    SdlPad,
    Watchdog,
)
from tests.agent.playing import NEUTRAL_PAGE, PATIENCE_S, gone, neutral, pad_values, stopped
from tests.controller.pausing.ticking import TickingGame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRESS = GamepadState(left=(0.5, 0.5), right_trigger=1.0, buttons=Button.A)


class Held:
    """Controls of a game that only counts, and what they hold."""

    def __init__(self, folder: Path) -> None:
        self.game = TickingGame(folder)
        self.page = PadPage.create()
        self.watchdog = Watchdog.start(self.game.pid, page=self.page.path)
        self.controls = Controls(SdlPad(self.page), Pauser(self.game.pid), self.watchdog)

    def close(self) -> None:
        self.controls.close()
        self.page.unlink()
        self.game.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    """Controls over a real process."""
    held = Held(tmp_path)
    yield held
    held.close()


def test_nothing_passes_before_arming(held: Held) -> None:
    """A game that was only opened must not be touched."""
    for epoch in (NO_EPOCH, 1, -1):
        assert held.controls.send(PRESS, epoch) is False
        assert held.controls.freeze(epoch) is False
    assert neutral(held.page.path)
    assert not stopped(held.game.pid)


def test_only_the_newest_epoch_counts(held: Held) -> None:
    """Whoever held an older one may be in the middle of something that is over."""
    old, new = held.controls.arm(), held.controls.arm()
    assert held.controls.send(PRESS, old) is False
    assert held.controls.freeze(old) is False
    assert held.controls.send(PRESS, new) is True
    assert pad_values(held.page.path) != NEUTRAL_PAGE
    assert held.controls.last_sent == PRESS
    assert held.controls.freeze(new) is True
    assert stopped(held.game.pid)


def test_disarm_lets_go_of_both(held: Held) -> None:
    """Neutral pad and running game, before the call returns."""
    epoch = held.controls.arm()
    held.controls.send(PRESS, epoch)
    held.controls.freeze(epoch)
    held.controls.disarm()
    assert neutral(held.page.path)
    assert not stopped(held.game.pid)
    assert held.controls.epoch == NO_EPOCH
    assert held.controls.last_sent.is_neutral
    assert held.controls.send(PRESS, epoch) is False
    assert held.controls.freeze(epoch) is False
    held.game.await_ticks()


def test_a_slow_freeze_does_not_delay_the_neutral_pad(held: Held) -> None:
    """Freezing may take seconds when a game waits for its disk; letting go must not."""
    inside, go_on = threading.Event(), threading.Event()
    real = held.controls.pauser.freeze

    def slow() -> None:
        inside.set()
        assert go_on.wait(PATIENCE_S)
        real()

    held.controls.pauser.freeze = slow  # type: ignore[method-assign]
    epoch = held.controls.arm()
    held.controls.send(PRESS, epoch)
    freezing = threading.Thread(target=held.controls.freeze, args=(epoch,))
    freezing.start()
    assert inside.wait(PATIENCE_S)
    letting_go = threading.Thread(target=held.controls.disarm)
    letting_go.start()
    while not neutral(held.page.path):
        assert letting_go.is_alive()
    assert not go_on.is_set()
    go_on.set()
    freezing.join()
    letting_go.join()
    assert not stopped(held.game.pid), "the freeze that came through late was undone"


@pytest.mark.parametrize("error", [PauseFailed("cut"), RuntimeError("cut")])
def test_a_failed_freeze_is_no_freeze_to_the_watchdog(held: Held, error: Exception) -> None:
    """A watchdog that still waits for the thaw would "release" a game that runs."""
    words: list[bytes] = []
    real = held.watchdog._send
    held.watchdog._send = lambda word: words.append(word) or real(word)  # type: ignore[method-assign,func-returns-value]

    def fail() -> None:
        raise error

    held.controls.pauser.freeze = fail  # type: ignore[method-assign]
    with pytest.raises(type(error), match="cut"):
        held.controls.freeze(held.controls.arm())
    assert words == [b"freezing", b"thawed"]


def test_every_part_is_closed_whatever_the_others_do(held: Held) -> None:
    """One part that fails to close must not keep the game frozen or the watchdog alive."""
    closed: list[str] = []
    epoch = held.controls.arm()
    held.controls.send(PRESS, epoch)
    held.controls.freeze(epoch)

    def failing(part: Any, name: str) -> None:
        real = part.close

        def close() -> None:
            closed.append(name)
            real()
            raise RuntimeError(f"{name} cut")

        part.close = close

    failing(held.controls.pad, "pad")
    failing(held.controls.pauser, "pauser")
    with pytest.raises(RuntimeError, match="cut"):
        held.controls.close()
    assert closed == ["pad", "pauser"]
    assert gone(held.watchdog.pid)
    assert not stopped(held.game.pid)
    assert neutral(held.page.path)
    del held.controls.pad.close, held.controls.pauser.close


def test_closed_is_for_good(held: Held) -> None:
    """A stop that comes late meets a closed pad: it must not fail, and nothing must open it."""
    held.controls.arm()
    held.controls.close()
    held.controls.disarm()
    held.controls.close()
    epoch = held.controls.arm()
    assert held.controls.send(PRESS, epoch) is False
    assert held.controls.freeze(epoch) is False
    assert neutral(held.page.path)
