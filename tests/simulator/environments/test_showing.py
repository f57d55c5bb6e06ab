"""Windows in which people watch environments: each is its own."""

from __future__ import annotations

import numpy as np
import pygame
import pytest

from nitropilot.simulator.environments.arcade_env import SCALE, ArcadeEnv
from nitropilot.simulator.environments.errors import NotPlayable

IDLE = np.zeros(20, np.float32)


def test_one_window_does_not_end_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two environments that are watched side by side: each shows its own game, as long as it is
    not closed itself; SDL's display is let go with the last, if it was opened for them."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.quit()
    one, other = (ArcadeEnv(task, 32, render_mode="human") for task in ("maze-1", "road-1"))
    for env in (one, other):
        env.reset(seed=1)
        env.step(IDLE)
    for env in (one, other):
        shown = env._window._window.get_surface()
        seen = pygame.surfarray.array3d(shown).swapaxes(0, 1)[::SCALE, ::SCALE]
        assert np.array_equal(seen, env._game.draw())
    one.close()
    one.close()
    other.step(IDLE)
    pygame.display.set_mode((16, 16))  # of whoever uses them
    other.close()
    assert not pygame.display.get_init()
    pygame.display.init()
    try:
        with_another = ArcadeEnv("maze-1", 32, render_mode="human")
        with_another.reset(seed=1)
        with_another.step(IDLE)
        with_another.close()
        assert pygame.display.get_init(), "it was somebody else's"
    finally:
        pygame.display.quit()


def test_nowhere_to_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says what to do, and nothing of SDL's own."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "nowhere")
    env = ArcadeEnv("maze-1", 32, render_mode="human")
    env.reset(seed=1)
    with pytest.raises(NotPlayable, match="no window can be shown") as error:
        env.step(IDLE)
    assert "DISPLAY" in error.value.hint
    env.close()
