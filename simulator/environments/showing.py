"""``PictureWindow``: shows an environment's pictures to a person, in a window of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nitropilot.simulator.environments.task_env import HZ

if TYPE_CHECKING:
    from nitropilot.simulator.environments.task_env import Image


class PictureWindow:
    """Opened with the first picture; no faster than the game's own speed.

    Args:
        title: Of the window.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._window: Any = None
        self._pace: Any = None

    def show(self, picture: Image) -> None:
        """Show a picture, ``H x W x 3`` uint8, RGB."""
        import pygame

        height, width = picture.shape[:2]
        if self._window is None:
            pygame.display.init()
            self._window = pygame.display.set_mode((width, height))
            pygame.display.set_caption(self._title)
            self._pace = pygame.time.Clock()
        pygame.event.pump()
        self._window.blit(
            pygame.image.frombuffer(picture.tobytes(), (width, height), "RGB"), (0, 0)
        )
        pygame.display.flip()
        self._pace.tick(HZ)

    def close(self) -> None:
        """Safe to call twice."""
        if self._window is not None:
            import pygame

            pygame.display.quit()
            self._window = None
