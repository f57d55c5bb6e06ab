"""``PictureWindow``: shows an environment's pictures to a person, in a window of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nitropilot.simulator.environments.errors import NotPlayable
from nitropilot.simulator.environments.task_env import HZ

if TYPE_CHECKING:
    from nitropilot.simulator.environments.task_env import Image

_open: set[PictureWindow] = set()
"""Those of this process: SDL's display is all of theirs, and is closed with the last of them."""
_display_is_ours = False
"""Whether SDL's display was opened here, and not by whoever uses the environments."""


class PictureWindow:
    """Opened with the first picture; no faster than the game's own speed.

    Args:
        title: Of the window.
        scale: How many of its pixels, each way, show one of a picture.
    """

    def __init__(self, title: str, scale: int = 1) -> None:
        self._title, self._scale = title, scale
        self._window: Any = None
        self._pace: Any = None

    def show(self, picture: Image) -> None:
        """Show a picture, ``H x W x 3`` uint8, RGB.

        Raises:
            NotPlayable: There is nowhere to show it.
        """
        import pygame

        height, width = picture.shape[:2]
        size = width * self._scale, height * self._scale
        try:
            if self._window is None:
                self._opened(size)
            pygame.event.pump()
            frame = pygame.image.frombuffer(picture.tobytes(), (width, height), "RGB")
            self._window.get_surface().blit(pygame.transform.scale(frame, size), (0, 0))
            self._window.flip()
        except pygame.error as error:
            raise NotPlayable(
                f"no window can be shown: {error}", 'set DISPLAY, or leave render_mode="human" out'
            ) from error
        self._pace.tick(HZ)

    def _opened(self, size: tuple[int, int]) -> None:
        import pygame

        global _display_is_ours
        if not pygame.display.get_init():
            pygame.display.init()
            _display_is_ours = True
        try:
            self._window = pygame.Window(self._title, size)
        except pygame.error:
            self._let_go()
            raise
        self._pace = pygame.time.Clock()
        _open.add(self)

    def close(self) -> None:
        """Safe to call twice; other windows of this process stay."""
        if self._window is None:
            return
        window, self._window = self._window, None
        _open.discard(self)
        window.destroy()
        self._let_go()

    @staticmethod
    def _let_go() -> None:
        """SDL's display is closed with the last window, if it was opened here."""
        import pygame

        global _display_is_ours
        if _display_is_ours and not _open:
            _display_is_ours = False
            pygame.display.quit()
