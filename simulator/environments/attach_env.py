"""``AttachEnv``: any running game as an environment, frozen while the caller thinks.

Nothing is known of such a game: nobody judges, and a reset begins where the game stands.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from nitropilot.agent import Target, open_game
from nitropilot.agent.errors import AgentError
from nitropilot.capture.errors import CaptureError
from nitropilot.controller.clock.finding import find_clock
from nitropilot.controller.clock.freezing import FreezeWay
from nitropilot.controller.errors import ControllerError, HandError
from nitropilot.simulator.environments.errors import NoEpisode, NotPlayable
from nitropilot.simulator.environments.holding import LAPSE_S, lapsed
from nitropilot.simulator.environments.showing import PictureWindow
from nitropilot.simulator.environments.task_env import HZ, Standing, TaskEnv, sides

if TYPE_CHECKING:
    from nitropilot.agent import Game
    from nitropilot.controller.state import GamepadState
    from nitropilot.simulator.environments.task_env import Image

SIDE, SECONDS = 256, 600


class AttachEnv(TaskEnv):
    """A running game, by its window, process id or a part of its executable's name.

    Between two steps its processes are stopped (its clock as well, if it is ours), for a minute at
    most: a game of somebody's is let go then, and the episode is void.  ``close`` lets it go as it
    stands.

    Args:
        window, pid, process, display: Which game: see ``agent.Target``.
        pad: Kind of virtual pad: ``auto``, ``vgamepad`` or ``sdl``.
        size: Side of the observation, or height and width, in pixels.
        render_mode: "rgb_array", "human" (a window of its own) or None.
        seconds: Of game time, after which an episode is cut off.

    Raises:
        AgentError: Not exactly one game was named.
    """

    def __init__(
        self,
        window: int | None = None,
        pid: int | None = None,
        process: str | None = None,
        display: str | None = None,
        pad: str = "auto",
        size: int | tuple[int, int] = SIDE,
        render_mode: str | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._target = Target(window=window, pid=pid, process=process, display=display)
        super().__init__(
            round(seconds * HZ), sides(size), render_mode, freeze=FreezeWay.PROCESS.value
        )
        self.metadata = {**self.metadata, "deterministic": False}
        self._pad = pad
        self._game: Game | None = None
        self._epoch = 0
        self._owed = 0.0
        self._thinking = ExitStack()
        self._window = PictureWindow("NitroPilot")

    def close(self) -> None:
        """Neutral pad, running game.  Safe to call twice."""
        super().close()
        self._thinking.close()
        self._window.close()
        game, self._game = self._game, None
        if game is not None:
            game.close()

    def _begin(self, seed: int) -> Standing:
        self.close()
        try:
            self._game = open_game(self._target, pad=self._pad, log=Path(os.devnull))
            clock = find_clock(self._game.window.pid or self._game.controls.hand.game)
            self._freeze = (FreezeWay.PROCESS if clock is None else FreezeWay.BOTH).value
            self._epoch, self._owed = self._game.controls.arm(), 0.0
            self._hold_still()
        except (AgentError, CaptureError, ControllerError) as error:
            self.close()
            raise NotPlayable(str(error), error.hint) from error
        return Standing(0.0, frames=0)

    def _play(self, state: GamepadState) -> Standing:
        assert self._game is not None
        hand = self._game.controls.hand
        before = hand.lapses, hand.cut_freezes
        try:
            self._game.check_running()
            if not hand.frozen:
                raise lapsed()
            hand.hold(self._epoch, state, LAPSE_S)
            self._thinking.close()
            hand.thaw()
            since = time.perf_counter()
            time.sleep(max(1 / HZ - self._owed, 0.0))
            self._hold_still()
        except HandError as error:
            raise lapsed() from error
        except (AgentError, CaptureError, ControllerError) as error:
            raise NotPlayable(str(error), error.hint) from error
        ran = time.perf_counter() - since
        self._owed = min(max(self._owed + ran - 1 / HZ, 0.0), 1 / HZ)
        if (hand.lapses, hand.cut_freezes) != before or ran > LAPSE_S:
            raise lapsed()
        if self.render_mode == "human":
            self._window.show(self._grabbed())
        return Standing(0.0, frames=1)

    def _hold_still(self) -> None:
        """The game stands until the next step, for as long as who plays may think."""
        assert self._game is not None
        hand = self._game.controls.hand
        hand.freeze(self._epoch)
        self._thinking.enter_context(hand.computing())

    def _picture(self) -> Image:
        height, width = self.observation_space.shape[:2]  # type: ignore[index]
        size = width, height
        return np.asarray(cv2.resize(self._grabbed(), size, interpolation=cv2.INTER_AREA), np.uint8)

    def _grabbed(self) -> Image:
        if self._game is None:
            raise NoEpisode("no game is held", "call reset first")
        try:
            return self._game.grab().pixels
        except CaptureError as error:
            raise NotPlayable(str(error), error.hint) from error
