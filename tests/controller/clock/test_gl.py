"""Games that show their pictures by GL itself: each door of GLX and EGL has the gate behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.controller.clock.clock_page import ClockPage
from tests.controller.clock.conftest import Talker, clock_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nitropilot.agent.target.display import PrivateDisplay

LIBRARIES = ("-l:libX11.so.6", "-l:libGL.so.1", "-l:libEGL.so.1", "-ldl")
STEPS = 5


@pytest.mark.parametrize("how", ["linked", "looked-up", "asked"])
@pytest.mark.parametrize("door", ["GLX", "EGL"])
def test_a_step_is_one_frame_of_gl(
    door: str, how: str, compiled: Callable[..., Path], display: PrivateDisplay
) -> None:
    """Engines without SDL swap buffers themselves: unseen, their game runs on between two steps,
    and its pictures have no digest."""
    page = ClockPage.create(lockstep=True, seed=1, digest=True)
    environment = {**clock_environment(page), "DISPLAY": display.name, "LIBGL_ALWAYS_SOFTWARE": "1"}
    game = Talker([str(compiled("gl", *LIBRARIES)), door, how], environment)
    try:
        page.wait_ready(alive=lambda: game.process.poll() is None)
        digests = []
        for step in range(1, STEPS + 1):
            status = page.step()
            assert (game.hear(), status.pictures) == ([step - 1], step + 1)
            digests.append(status.digest)
        assert door in status.used
        assert 0 not in digests
        assert len(set(digests)) == STEPS, "each picture has another colour"
    finally:
        game.close()
        page.close()
        page.unlink()
