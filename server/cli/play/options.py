"""``PlayOptions``: what ``nitropilot play`` can be told, and the session that comes of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import ConfigDict, Field

from nitropilot.agent import PlaySettings, SessionPlan, open_game
from nitropilot.agent.play.people import Nobody
from nitropilot.agent.record.limits import GIB
from nitropilot.agent.session.steps import open_with_steps
from nitropilot.agent.session.takeover import TakeoverSettings
from nitropilot.controller.pads.chooser import NO_PAD
from nitropilot.engines import load_engine
from nitropilot.errors import NitroPilotError
from nitropilot.places import spelled
from nitropilot.policy.naming import DEFAULT
from nitropilot.server.improving.history import accepted
from nitropilot.server.options.fields import Flag
from nitropilot.server.options.play import EngineChoice, GameChoice, PolicyChoice, ThisPlay
from nitropilot.server.store.paths import new_session_folder, sessions_folder
from nitropilot.server.store.settings import TraceSettings
from nitropilot.server.store.settings_store import SettingsStore
from nitropilot.server.store.traces import prune_traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent import Game
    from nitropilot.agent.record.switch import RecordingPlan
    from nitropilot.engines import Engine


class AtTheKeyboard(GameChoice):
    """What a person may ask of a session of their own, whoever plays."""

    seconds: float | None = Field(default=None, ge=0, description="End after this long")
    out: Path | None = Field(default=None, description="Folder for all that is written")
    keep: bool | None = Field(
        default=None, description="With --launch: leave the game running at the end"
    )
    display: str | None = Field(default=None, description="X display, such as :1")
    as_json: Annotated[bool, Flag(names=("--json",))] = Field(
        default=False, description="Print one JSON object on stdout"
    )

    def prepared(self) -> Path | None:
        """Where all is to be written; None for the usual place, in which room is made."""
        if self.out is None:
            _make_room()
            return None
        return spelled(self.out)


class PlayOptions(AtTheKeyboard, ThisPlay, EngineChoice, PolicyChoice):
    """A play, as a person asks for it at the keyboard."""

    # What is infinite is refused by the agent, in its own words.
    model_config = ConfigDict(allow_inf_nan=True)

    server: str = Field(
        default="",
        description="Policy server that decides, ws://HOST:PORT; it has its own policy",
    )
    server_token: Annotated[str, Flag(env="NITROPILOT_SERVER_TOKEN")] = Field(
        default="", repr=False, description="What the policy server asks for"
    )

    @property
    def decides(self) -> str:
        """The policy's name; "" where a policy server decides, which has its own."""
        if self.policy is None and not self.server and self.engine != "remote":
            return accepted(self.process) or DEFAULT
        return self.policy or ""

    def plan(self, before_play: Callable[[Game], None] | None = None) -> SessionPlan:
        """What a session is to do, and a new folder for it.

        Args:
            before_play: See ``SessionPlan``.

        Raises:
            NitroPilotError: The game cannot be launched, or the folder cannot be made.
        """
        out = self.prepared()
        target = self.target(keep=self.keep, display=self.display)
        return SessionPlan(
            settings=self.play_settings(),
            open_game=partial(open_game, target, pad=self.pad),
            open_engine=self._open_engine,
            policy_file=self.policy_file,
            folder=new_session_folder(out),
            record=self.draw,
            recording=_recording(out) if self.record else None,
            keep_decisions_s=None if self.trace_frames else _frames_s(),
            before_play=before_play,
        )

    def _open_engine(self) -> Engine:
        decides = self.decides

        def opened(steps: int | None) -> Engine:
            return load_engine(
                decides,
                engine=self.engine,
                device=self.device,
                precision=self.precision,
                server=self.server,
                token=self.server_token,
                steps=steps,
            )

        return open_with_steps(opened, self.steps, decides, self.play_settings())


class RecordOptions(AtTheKeyboard):
    """A play of the user's own that is to be recorded: nothing decides, and nothing is loaded."""

    model_config = ConfigDict(allow_inf_nan=True)

    action_hz: float = Field(default=60.0, ge=1, le=240, description="Frames and rows a second")
    expert: str = Field(
        default="",
        description="Record the script of a game of the arcade in your place: runner, maze-2, ...",
    )
    minutes: float = Field(default=3.0, description="With --expert: minutes of game time")
    noise: float = Field(
        default=0.5, description="With --expert: share of the levels with bursts of foreign input"
    )
    seed: int = Field(default=0, description="With --expert: of its levels")

    def recordings(self) -> Path:
        """The folder of all recordings."""
        return _recording(self.prepared()).root

    def plan(self) -> SessionPlan:
        """What a session is to do, and a new folder for it.

        Raises:
            NitroPilotError: The game cannot be launched, or the folder cannot be made.
        """
        out = self.prepared()
        target = self.target(keep=self.keep, display=self.display)
        return SessionPlan(
            settings=PlaySettings(action_hz=self.action_hz),
            open_game=partial(open_game, target, pad=NO_PAD),
            open_engine=Nobody,
            people_only=True,
            takeover_said=TakeoverSettings(pad=True, idle_seconds=None),
            folder=new_session_folder(out),
            recording=_recording(out),
        )


def _make_room() -> None:
    """Remove old traces, as far as the settings say so; without settings none."""
    with suppress(NitroPilotError):
        settings = SettingsStore().current
        prune_traces(sessions_folder(), settings.traces.max_total_gb * GIB)


def _frames_s() -> float:
    """How long frames are kept, by the settings; without any as they are at first."""
    try:
        return SettingsStore().current.traces.frames_minutes * 60
    except NitroPilotError:
        return TraceSettings().frames_minutes * 60


def _recording(out: Path | None) -> RecordingPlan:
    """Record from the start, where the daemon's recordings are or where the user says."""
    from nitropilot.server.store.recordings import RecordingStore

    settings = SettingsStore().current
    plan = RecordingStore(lambda: settings).plan(at_once=True)
    return plan if out is None else replace(plan, root=out / "recordings")
