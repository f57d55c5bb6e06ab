"""Options of play, each in one place.

They are put together from the groups here for ``nitropilot play`` (``server.cli.play.options``),
for the API's request for a session (``server.schemas.models``) and for the settings of new sessions
(``server.store.settings``). A field that is added to ``HowToPlay`` is an option of all three.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nitropilot.agent import Mode, PlaySettings, Target, parse_buttons
from nitropilot.agent.pad.guards import CONTROLS, parse_controls
from nitropilot.capture import parse_handle
from nitropilot.policy.euler import MOST, parse_steps
from nitropilot.policy.naming import DEFAULT, files_of, from_root
from nitropilot.server.options.fields import A_LIST, Flag, Options, Outside
from nitropilot.simulator.games.known import KNOWN_GAMES
from nitropilot.simulator.games.recipes import find_recipe

NotEmpty = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(min_length=1, max_length=4096)]
MenuButtons = Annotated[tuple[Literal["start", "back", "guide"], ...], Field(max_length=3), A_LIST]
Control = Literal[
    "dpad_up", "dpad_down", "dpad_left", "dpad_right", "start", "back", "left_thumb",
    "right_thumb", "left_shoulder", "right_shoulder", "guide", "a", "b", "x", "y",
    "left_stick", "right_stick", "left_trigger", "right_trigger",
]  # fmt: skip
"""``agent.pad.guards.CONTROLS``, spelled out for the API's description; a test compares them."""
Controls = Annotated[tuple[Control, ...], Field(max_length=64), A_LIST]
ChunkPart = Annotated[int, Field(ge=1, le=256)]
Guidance = Annotated[float, Field(ge=0, le=20, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class GameChoice(Options):
    """A running game, or one to launch."""

    window: Annotated[int | None, Flag(read=parse_handle)] = Field(
        default=None, description="Window handle, as `windows` lists it"
    )
    pid: int | None = Field(default=None, ge=1, description="Process id of the game")
    process: Annotated[str, Outside(NotEmpty)] | None = Field(
        default=None, description="Executable, or a part of it"
    )
    launch: Annotated[str | None, Flag(help="A known game, or a command line.")] = Field(
        default=None, description="A known game to start", examples=sorted(KNOWN_GAMES)
    )
    headless: Annotated[
        bool | None, Flag(help="With --launch: use a private display, or never.")
    ] = Field(default=None, description="For launch: use a private display")

    def target(
        self, window: int | None = None, *, keep: bool | None = None, display: str | None = None
    ) -> Target:
        """The game to take hold of.

        Args:
            window: The window that was found for it; None looks for it.
            keep: See ``Target``.
            display: See ``Target``.

        Raises:
            LaunchFailed: It is to be launched, and is not installed.
            AgentError: No game is named, or two.
        """
        recipe = find_recipe(self.launch) if self.launch is not None else None
        if window is not None:
            return Target(window, launch=recipe, display=display)
        return Target(self.window, self.pid, self.process, recipe, self.headless, keep, display)


class PolicyChoice(Options):
    """What decides."""

    policy: Annotated[str, Outside(Name)] | None = Field(
        default=None, description=f"Checkpoint, or {DEFAULT}, which comes along and is the default"
    )

    @property
    def policy_file(self) -> str:
        """The file that it names, from the root; "" for what is not the user's, or for none."""
        if not self.policy or not files_of(self.policy):
            return ""
        return from_root(self.policy)


class EngineChoice(Options):
    """What the policy runs on."""

    engine: Annotated[
        str,
        Outside(Literal["auto", "tensorrt", "openvino", "torch", "remote"]),
        Flag(help="Engine to run the policy on."),
    ] = Field(default="auto", description="What computes")
    device: Annotated[
        str, Outside(Literal["auto", "cpu", "cuda", "gpu", "npu"]), Flag(help="{takes}.")
    ] = Field(default="auto", description="Where")
    precision: Annotated[
        str,
        Outside(Literal["auto", "float32", "bfloat16", "int8", "fp8"]),
        Flag(help="{takes}."),
    ] = Field(default="auto", description="In what numbers")


class HowToPlay(Options):
    """What every play has, whoever asks for it."""

    pad: Annotated[str, Outside(Literal["auto", "vgamepad", "sdl"]), Flag(help="{takes}.")] = Field(
        default="auto", description="Which virtual pad"
    )
    mode: Literal["paused", "realtime", "auto"] = Field(
        default="auto", description="Freeze the game while the policy thinks, or let it run on"
    )
    action_hz: float | None = Field(
        default=None,
        ge=1,
        le=240,
        description="Actions a second; null: as the policy was trained, or 60",
    )
    actions_per_chunk: Annotated[int, Field(ge=1), Outside(ChunkPart)] | None = Field(
        default=None,
        description="Actions of a chunk that are played before the next decision; null: as the "
        "policy says",
    )
    steps: Annotated[
        Annotated[int, Field(ge=1, le=MOST)] | Literal["auto"] | None, Flag(read=parse_steps)
    ] = Field(
        default=None,
        description="Euler steps of the policy's sampler: fewer are quicker; auto: those that were "
        "measured to play best and are ready in time here; null: as the policy says",
        examples=[4, "auto"],
    )
    allow: Annotated[
        tuple[str, ...],
        Outside(MenuButtons),
        Flag(help="Menu button that may be pressed: start, back, guide."),
    ] = Field(default=(), description="Menu buttons that may be pressed")
    controls: Annotated[
        Annotated[tuple[str, ...], A_LIST, Outside(Controls)] | None,
        Flag(help="Control that the agent may use, such as a or left_stick; default: all."),
    ] = Field(
        default=None,
        description="Controls that the agent may use, all others rest; null: all",
        examples=[["left_stick", "a"]],
    )


class Autoplay(Options):
    """Who plays first; at the command line always the agent."""

    autoplay: bool = Field(default=True, description="Play at once; otherwise wait for autoplay")


class ThisPlay(HowToPlay):
    """What one play has, and none that follows it."""

    game: str | None = Field(default=None, description="Name of a game the policy was trained on")
    cfg_scale: Annotated[float, Field(ge=0), Outside(Guidance)] = Field(
        default=1.0, description="Guidance; 1 is off"
    )
    action_offset: int = Field(
        default=0,
        ge=-64,
        le=64,
        description="Ticks by which actions come later than the policy's own shift says",
    )
    seed: Annotated[int, Field(ge=0), Outside(Seed)] | None = Field(
        default=None, description="Seed of the noise"
    )
    record: bool = Field(default=False, description="Record frames and actions from the start")
    draw: bool = Field(default=False, description="Also write a video with the pad drawn on it")
    trace_frames: bool = Field(
        default=False, description="Keep every frame that the policy decided on, for `replay`"
    )

    def play_settings(self) -> PlaySettings:
        """As the agent takes them.

        Raises:
            AgentError: One is out of its range.
        """
        return PlaySettings(
            action_hz=self.action_hz,
            actions_per_chunk=self.actions_per_chunk,
            allowed=parse_buttons(self.allow),
            game=self.game,
            cfg_scale=self.cfg_scale,
            seed=self.seed,
            mode=Mode(self.mode),
            action_offset=self.action_offset,
            controls=CONTROLS if self.controls is None else parse_controls(self.controls),
        )


FROM_SETTINGS = (*HowToPlay.model_fields, *Autoplay.model_fields)
"""What a session gets from the daemon's settings when its request does not name it."""
