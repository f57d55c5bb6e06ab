"""``Settings``: everything about the daemon that may change while it runs.

The one source of the settings' names, ranges, defaults and words: the API, ``nitropilot
settings`` and docs/settings.md are made from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from nitropilot.controller.human.hotkeys import (
    DEFAULT_PANIC,
    DEFAULT_TOGGLE,
    HotkeyInvalid,
    parse_hotkey,
)
from nitropilot.places import spelled
from nitropilot.server.options.fields import Options, takes
from nitropilot.server.options.play import Autoplay, EngineChoice, HowToPlay, PolicyChoice


def _absolute(text: str | None) -> str | None:
    if text is None or Path(text).is_absolute():
        return text
    if text.startswith("~") and spelled(text) != Path(text).absolute():
        return text  # of somebody whose home is known
    raise ValueError("a folder is named from the root, such as /data/games or ~/games")


Folder = Annotated[str | None, AfterValidator(_absolute)]


def _hotkey(text: str) -> str:
    try:
        parse_hotkey(text)
    except HotkeyInvalid as error:
        raise ValueError(error.line()) from None
    return text


HotkeyName = Annotated[str, Field(max_length=100), AfterValidator(_hotkey)]


class Section(Options):
    """Base of every group of settings."""


class PlaySettingsModel(Autoplay, HowToPlay, EngineChoice, PolicyChoice, Section):
    """What a new session gets that its request does not name."""


class RecordingSettings(Section):
    """Recordings of frames and actions."""

    record: bool = Field(default=False, description="Record every new session from its start")
    folder: Folder = Field(
        default=None, description="Where; default: recordings in the data folder"
    )
    keep_free_gb: float = Field(
        default=2.0,
        ge=0,
        le=1e6,
        description="A recording ends before the disk has less free, in GiB",
    )
    max_total_gb: float | None = Field(
        default=None, gt=0, le=1e6, description="Most that all recordings together may take, in GiB"
    )
    max_width: int = Field(
        default=1280, ge=64, le=7680, description="Wider pictures are made smaller"
    )


class TraceSettings(Section):
    """What sessions decided and sent, for whoever wants to know why."""

    max_total_gb: float = Field(
        default=1.0,
        gt=0,
        le=1e6,
        description="Most that the traces in the data folder may take, in GiB; the oldest go first",
    )
    frames_minutes: float = Field(
        default=10.0,
        ge=0,
        le=1440,
        description="So long the frames that a policy decided on are kept, for `replay`; 0: not",
    )


class RestartSettings(Section):
    """Sessions that failed of something that may pass are begun again."""

    most: int = Field(default=3, ge=0, le=100, description="At most so many times; 0 for never")
    minutes: float = Field(default=10.0, gt=0, le=1440, description="Within this time")


class LogSettings(Section):
    """What the daemon prints on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="From what"
    )
    format: Literal["text", "json"] = Field(
        default="text", description="Lines for people or for programs"
    )


class PolicySettings(Section):
    """Checkpoints."""

    folder: Folder = Field(
        default=None, description="Where yours are; default: models in the data folder"
    )


class TakeoverSettings(Section):
    """A human who takes the pad."""

    enabled: bool = Field(default=True, description="Hand the game over when a real pad is moved")
    resume_after_s: float | None = Field(
        default=None,
        ge=0.1,
        le=3600,
        description="Play again after so long a rest; null: only on request",
    )


class HotkeySettings(Section):
    """Keys that work while the game has the keyboard."""

    toggle: HotkeyName = Field(
        default=DEFAULT_TOGGLE, description='Pauses the agents or lets them play; "" for none'
    )
    panic: HotkeyName = Field(
        default=DEFAULT_PANIC, description='Pads neutral, games running; "" for none'
    )

    @model_validator(mode="after")
    def _two(self) -> HotkeySettings:
        toggle, panic = parse_hotkey(self.toggle), parse_hotkey(self.panic)
        if toggle is not None and toggle == panic:
            raise ValueError(f"{toggle} is to toggle and to panic: choose two")
        return self


class Settings(Section):
    """All settings, by section."""

    play: PlaySettingsModel = PlaySettingsModel()
    recording: RecordingSettings = RecordingSettings()
    traces: TraceSettings = TraceSettings()
    restarts: RestartSettings = RestartSettings()
    policies: PolicySettings = PolicySettings()
    log: LogSettings = LogSettings()
    takeover: TakeoverSettings = TakeoverSettings()
    hotkeys: HotkeySettings = HotkeySettings()


def sections() -> dict[str, type[Section]]:
    """Every section by name, in order."""
    found: dict[str, type[Section]] = {}
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        assert isinstance(kind, type)
        assert issubclass(kind, Section)
        found[name] = kind
    return found


def flat(settings: Settings) -> dict[str, Any]:
    """Every value by its whole name, such as ``play.action_hz``, as JSON has it."""
    nested = settings.model_dump(mode="json")
    return {f"{part}.{name}": value for part in nested for name, value in nested[part].items()}


def allowed(key: str) -> str:
    """What a setting takes, in words such as ``a number from 1 to 240``; "" for no setting."""
    section, _, name = key.partition(".")
    kind = sections().get(section)
    if kind is None or name not in kind.model_fields:
        return ""
    return takes(kind, name)
