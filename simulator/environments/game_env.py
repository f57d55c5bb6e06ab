"""``GameEnv``: a task of a game that is no part of ours, launched on a display of its own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from nitropilot import capture
from nitropilot.agent.errors import AgentError
from nitropilot.agent.pad.guards import parse_buttons
from nitropilot.agent.target.launch import LOG, LaunchedGame, launch
from nitropilot.agent.target.launch_pages import GameTime
from nitropilot.capture.errors import CaptureError, DisplaySilent
from nitropilot.controller.errors import ClockLapsed, ControllerError, HandError
from nitropilot.controller.state import NEUTRAL, GamepadState
from nitropilot.simulator.environments.errors import NotPlayable, UnknownTask, UntestedVersion
from nitropilot.simulator.environments.holding import TRACKS, lapsed
from nitropilot.simulator.environments.leaks import LeakWatch
from nitropilot.simulator.environments.second_judge import SecondJudge
from nitropilot.simulator.environments.showing import PictureWindow
from nitropilot.simulator.environments.task_env import HZ, Standing, TaskEnv, sides
from nitropilot.simulator.games.judging import judge_class
from nitropilot.simulator.games.known import GAME_TASKS
from nitropilot.simulator.games.versions import installed_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from nitropilot.capture import Grabber
    from nitropilot.simulator.environments.holding import Held
    from nitropilot.simulator.environments.second_judge import Disagreement
    from nitropilot.simulator.environments.task_env import Image
    from nitropilot.simulator.games.judging import Judge, Verdict
    from nitropilot.simulator.games.known import GameTask, KnownGame

SIDE = 256
"""Of the observation, if no other size is asked for: what policies see."""
TAP, TAP_EVERY = 4, 16
"""Steps that the opening's button is pressed, and from one press to the next."""
OPENING_S = 30
"""Of game time, after which a game that is not in play has no start state."""
HANGS_S = 30.0
"""Of game time without a picture, after which a game that draws all the time has hung; in lockstep
a step that does not end is given up before."""
GRABS = 30
"""How often a display that is too busy to answer within a second is asked for the picture of a game
that stands."""
BEGIN_TRIES = 3
HURRY_S = 0.0
"""What is ended has nothing to save: its profile goes with it."""


class GameEnv(TaskEnv):
    """One task of a known game: see ``simulator.games``.

    Every ``reset`` launches the game anew, in a profile made for the task, on a private display.
    ``close`` ends it; should this process be killed, the game's hand does.

    Args:
        task: Such as "supertux-1".
        size: Side of the observation, or height and width, in pixels.
        render_mode: "rgb_array", "human" (a window of its own) or None.
        track: "lockstep", "paused" or "realtime": see ``environments.holding``; None: the first
            of them that the game has.
        untested: Whether a version that the task was not tried with will do.

    Raises:
        UnknownTask: There is no such task, or the game has no such track.
    """

    def __init__(
        self,
        task: str,
        size: int | tuple[int, int] = SIDE,
        render_mode: str | None = None,
        track: str | None = None,
        untested: bool = False,
    ) -> None:
        self.game, self.task = self._known(task)
        self._untested = untested
        tracks = [name for name in TRACKS if name != "lockstep" or self.game.hold.lockstep]
        self.track = track or tracks[0]
        if self.track not in tracks:
            raise UnknownTask(
                f"{self.game.title} has no track {track!r}", f"it has {', '.join(tracks)}"
            )
        held = TRACKS[self.track]
        super().__init__(self.task.seconds * HZ, sides(size), render_mode, freeze=held.freeze)
        self.metadata = {**self.metadata, "deterministic": self.track == "lockstep"}
        self._running = ExitStack()
        self._held: Held | None = None
        self._judge: Judge | None = None
        self._second = SecondJudge()
        self._leaks: LeakWatch | None = None
        self._grabber: Grabber | None = None
        self._pictures = self._dark = 0
        self._seen: Image | None = None
        self._window = PictureWindow(f"NitroPilot {task}")

    def _known(self, task: str) -> tuple[KnownGame, GameTask]:
        """The task and its game, by name."""
        if task not in GAME_TASKS:
            raise UnknownTask(
                f"no game has a task {task!r}", f"tasks are {', '.join(sorted(GAME_TASKS))}"
            )
        return GAME_TASKS[task]

    def _judge_kind(self) -> type[Judge]:
        """Who judges it."""
        return judge_class(self.game)

    def close(self) -> None:
        """End the game, and remove what was made for it.  Safe to call twice."""
        super().close()
        self._window.close()
        self._end()

    def _end(self) -> None:
        self._held = self._judge = self._grabber = self._leaks = None
        self._running.close()

    def _begin(self, seed: int) -> Standing:
        self._end()
        self._second, self._dark = SecondJudge(), 0
        try:
            if not self._untested:
                check_version(self.game)
            verdict = self._launched(seed)
        except (AgentError, CaptureError, ControllerError, OSError) as error:
            raise _not_playable(self.game.title, error) from error
        return self._standing(verdict, 0)

    def _launched(self, seed: int) -> Verdict:
        """Launch, and once more where a busy machine held up the game's hand until it was ended."""
        for left in reversed(range(BEGIN_TRIES)):
            try:
                with ExitStack() as undo:
                    verdict = self._launch(undo, seed)
                    self._running = undo.pop_all()
                    return verdict
            except (ClockLapsed, HandError):
                if not left:
                    raise
        raise AssertionError("it is tried at least once")

    def _launch(self, undo: ExitStack, seed: int) -> Verdict:
        kind = self._judge_kind()

        def prepare(profile: Path) -> None:
            try:
                kind.prepare(self.task, profile)
            except ValueError as error:  # of a level file that is not as the judge knows it
                raise NotPlayable(
                    f"the start state of {self.task.name} cannot be made: {error}",
                    f"it was tried with {self.game.title} {', '.join(self.game.tried)}",
                ) from error

        lockstep = self.track == "lockstep"
        game_time = GameTime(lockstep, seed, self.game.hold.settle)
        launched: LaunchedGame = launch(
            self.game.task_recipe(), log=None, headless=True, keep=False,
            game_time=game_time, prepare=prepare,
        )  # fmt: skip
        undo.callback(launched.close, HURRY_S)
        self._held = self._hold(launched)
        undo.callback(self._held.close)
        self._grabber = capture.open_grabber(launched.window)
        undo.callback(self._grabber.close)
        self._judge = kind(self.task, launched.profile, launched.profile / LOG)
        return self._open(launched, self._held, self._judge)

    def _hold(self, launched: LaunchedGame) -> Held:
        """Take hold of it, in the track's way."""
        return TRACKS[self.track](launched)

    def _open(self, launched: LaunchedGame, held: Held, judge: Judge) -> Verdict:
        """Tap past what comes before the play."""
        tap = self.game.setting.tap if self.game.setting is not None else ""
        press = GamepadState(buttons=parse_buttons([tap])) if tap else NEUTRAL
        for number in range(OPENING_S * HZ):
            if (verdict := judge.read()).playing:
                if self.render_mode == "human":  # to open a window may take longer than a lapse
                    self._window.show(self._grabbed())
                self._leaks = LeakWatch(launched.process.pid)  # and so may a look at all processes
                self._pictures = held.pictures
                held.begin()
                return verdict
            held.step(press if number % TAP_EVERY < TAP else NEUTRAL)
        raise NotPlayable(
            f"{self.game.title} was not in play after {OPENING_S} s of game time",
            f"tried versions are {', '.join(self.game.tried)}",
        )

    def _play(self, state: GamepadState) -> Standing:
        assert self._held is not None and self._judge is not None
        try:
            steps = self._held.step(state)
            if self._leaks is not None and (leak := self._leaks.leak()):
                raise NotPlayable(f"{self.game.title}: {leak}", "reset launches it anew")
            standing = self._standing(self._judge.read(), steps)
        except (ClockLapsed, HandError) as error:
            raise lapsed() from error
        except (ControllerError, OSError) as error:
            raise _not_playable(self.game.title, error) from error
        if self.render_mode == "human":
            self._window.show(self._grabbed())
        return standing

    def _standing(self, verdict: Verdict, steps: int) -> Standing:
        assert self._held is not None
        before, self._pictures = self._pictures, self._held.pictures
        self._dark = 0 if self._pictures > before else self._dark + steps
        if self.game.hold.lockstep and self._dark >= HANGS_S * HZ:
            raise NotPlayable(
                f"{self.game.title} hangs: it has shown no picture for {HANGS_S:g} s of game time",
                "reset launches it anew",
            )
        return Standing(
            verdict.progress, won=verdict.won, lost=verdict.lost and not verdict.won,
            facts=verdict.facts, frames=self._pictures - before, steps=steps,
            score=verdict.score, full_score=verdict.full_score,
        )  # fmt: skip

    @property
    def disagreements(self) -> Sequence[Disagreement]:
        """As ``TaskEnv``."""
        return tuple(self._second.disagreements)

    def _told(self, standing: Standing, began: float) -> tuple[Image, dict[str, Any]]:
        told = super()._told(standing, began)
        if self._judge is not None and self._seen is not None:
            shown = self._judge.shown(self._seen)
            self._second.look(shown, standing.facts, self._steps / HZ)
        return told

    def _picture(self) -> Image:
        height, width = self.observation_space.shape[:2]  # type: ignore[index]
        pixels = self._grabbed()
        if pixels.shape[:2] == (height, width):
            return pixels
        return np.asarray(
            cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8
        )

    def _grabbed(self) -> Image:
        """The whole window."""
        if self._grabber is None:
            raise NotPlayable(f"{self.game.title} is not running", "call reset first")
        for left in reversed(range(GRABS if self.stands else 1)):
            try:
                self._seen = self._grabber.grab().pixels
                break
            except DisplaySilent as error:
                if not left:
                    raise _not_playable(self.game.title, error) from error
            except CaptureError as error:
                raise _not_playable(self.game.title, error) from error
        assert self._seen is not None
        return self._seen


def check_version(game: KnownGame) -> str:
    """The version that is installed, which is one that the game's tasks were tried with.

    Raises:
        LaunchFailed: None is installed; the hint says how to get it.
        UntestedVersion: Another one is.
    """
    found = installed_version(game)
    if found not in game.tried:
        raise UntestedVersion(
            f"{game.title} {found or 'of an unknown version'} is installed; its tasks were tried "
            f"with {', '.join(game.tried)}",
            "install that one, or say untested=True",
        )
    return found


def _not_playable(title: str, error: Exception) -> NotPlayable:
    return NotPlayable(f"{title}: {error}", getattr(error, "hint", ""))
