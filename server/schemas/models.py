"""What the API takes and gives (pydantic; unknown fields are refused)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from nitropilot.agent.values import RestartState
from nitropilot.server.options.fields import Options
from nitropilot.server.options.play import Autoplay, GameChoice, PolicyChoice, ThisPlay
from nitropilot.simulator.games.known import KNOWN_GAMES


class Model(Options):
    """Base of every body: no field that the schema does not name."""


class ErrorBody(Model):
    """What went wrong: a stable code, a line for people, and the fix."""

    code: str
    message: str
    hint: str = ""


class ErrorAnswer(Model):
    """The one shape of every error."""

    error: ErrorBody


class VersionAnswer(Model):
    """The version and nothing else."""

    version: str


class WindowModel(Model):
    """A window that could be a game."""

    handle: int
    pid: int | None
    executable: str
    title: str
    left: int
    top: int
    width: int
    height: int
    minimised: bool


class SessionRequest(Autoplay, ThisPlay, PolicyChoice, GameChoice, Model):
    """A session to create: which game, and how to play it; the rest is as in the settings."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"process": "supertux2"},
                {"launch": "runner", "headless": True, "policy": "random:tiny", "seed": 1},
            ]
        }
    )

    only_record: bool = Field(
        default=False,
        description="Nobody plays but people: no policy is loaded, and what they do with pads of "
        "their own is recorded",
    )

    @model_validator(mode="after")
    def _one_game(self) -> SessionRequest:
        running = any(v is not None for v in (self.window, self.pid, self.process))
        if running == (self.launch is not None):
            raise ValueError("name a running game (window, pid, process) or one to launch")
        if self.launch is not None and self.launch not in KNOWN_GAMES:
            # A command line is for the person at the keyboard, not for the network.
            raise ValueError(f"launch must be one of {', '.join(sorted(KNOWN_GAMES))}")
        if self.only_record and self.policy:
            raise ValueError("only_record goes with no policy: nobody plays but people")
        if self.only_record and "record" in self.model_fields_set and not self.record:
            raise ValueError("only_record does not go with record: false")
        return self


class EngineModel(Model):
    """The engine in use and why it was chosen."""

    name: str
    device: str
    precision: str
    reason: str


class PolicyModel(Model):
    """The policy in use."""

    name: str
    random: bool
    horizon: int
    steps: int
    image_size: int
    games: tuple[str, ...] = Field(description="That it can be told of, by name")
    actions: int | None = Field(
        description="Of a chunk, played before the next decision where nobody says otherwise"
    )
    trained_on: tuple[str, ...] | None = Field(
        description="Games that it was trained on; null where that is not known"
    )


class PadModel(Model):
    """The virtual pad in use and why."""

    name: str
    reason: str


class EndModel(Model):
    """Why a session ended."""

    code: str
    reason: str
    hint: str


class SessionRecordingModel(Model):
    """How the recording of a session goes."""

    enabled: bool
    id: str = Field(description='Of the recording being made, or made last; "" for none yet')
    frames: int
    repeated: int = Field(description="Frames that show the picture before them again")
    warning: str = Field(description='Why the last one ended by itself, or ""')


class RestartModel(Model):
    """What becomes of a play whose session has failed."""

    state: RestartState = Field(
        description="pending; then begun, cancelled by a person, or given_up"
    )
    due: datetime | None = Field(description="When a pending one begins")
    session: str = Field(
        description='The session that goes on, or "". Whoever steers the one that failed steers it'
    )
    reason: str = Field(description='Why none does, or ""')


class SessionModel(Model):
    """A session as it is now."""

    id: str
    state: str
    created: datetime
    restart_of: str = Field(description='The session that failed and that this one replaces, or ""')
    restart: RestartModel | None = Field(
        description="After a failure that may pass: whether the daemon begins it again"
    )
    game: WindowModel | None
    policy: PolicyModel | None
    unfamiliar: str = Field(
        description='That the policy was not trained on this game, and what to do about it; or ""'
    )
    engine: EngineModel | None
    pad: PadModel | None
    pauser: str | None
    mode: str | None = Field(description="paused or realtime, once that is settled")
    mode_reason: str = Field(description="Why this mode; with auto, what was measured")
    waiting_for: str
    held_back: dict[str, int] = Field(description="Controls masked so far")
    stats: dict[str, float | int | None]
    recording: SessionRecordingModel
    trace_warning: str = Field(
        description='Why the trace, or what is kept for replay, is not all; or ""'
    )
    folder: str
    end: EndModel | None


class AutoplayRequest(Model):
    """Whether the agent plays (true) or the human (false)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    enabled: bool


class BackendModel(Model):
    """One pad or engine that could be used, and why or why not."""

    name: str
    available: bool
    reason: str
    hint: str


class WishModel(Model):
    """What policies are to run on, as the settings or the command line say."""

    engine: str
    device: str
    precision: str


class StatusAnswer(Model):
    """What the daemon runs on."""

    version: str
    policy: str = Field(description="What plays where a session names none")
    engine: EngineModel | None = Field(
        description="What the daemon's own policy runs on now; null while it is not loaded"
    )
    wish: WishModel
    engines: tuple[BackendModel, ...] = Field(description="All that there are, the fastest first")
    pads: tuple[BackendModel, ...]
    pauser: str
    sessions: tuple[SessionModel, ...]


class TokenRequest(Model):
    """A named token to create."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "stream deck", "scope": "deck"}]}
    )

    name: str = Field(min_length=1, max_length=64, description="For people")
    scope: Literal["admin", "deck", "overlay"] = Field(description="What it may do")


class TokenModel(Model):
    """A named token, without its secret."""

    id: str
    name: str
    scope: Literal["admin", "deck", "overlay"]
    created: str
    last_used: str | None = Field(description="To a few minutes; null for never")


class NewTokenAnswer(Model):
    """A token just made: the one time that its secret is shown."""

    token: TokenModel
    secret: str


class CodeAnswer(Model):
    """A code that opens one browser session."""

    code: str
    url: str
    seconds: int = Field(description="How long it can be used")


class DecodedAction(Model):
    """One action, decoded: sticks as the policy has them (y down) and pressed tokens."""

    j_left: Annotated[tuple[float, ...], Field(min_length=2, max_length=2)]
    j_right: Annotated[tuple[float, ...], Field(min_length=2, max_length=2)]
    buttons: tuple[str, ...]


class PredictAnswer(Model):
    """A chunk for one picture."""

    policy: PolicyModel
    engine: EngineModel
    actions: list[list[float]] = Field(description="T x A raw channels")
    decoded: list[DecodedAction]
    seconds: dict[str, float]
