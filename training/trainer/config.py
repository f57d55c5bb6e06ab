"""``TrainConfig``: everything that a run is told, in seven sections.

    [data]       which recordings, and what is made of them
    [augment]    how pictures are changed
    [objective]  the flow, and what is hidden
    [optimiser]  AdamW, the schedule, the moving average
    [adapt]      how little of a policy that plays already is changed
    [choice]     what chooses the best checkpoint
    [run]        how long, how much at a time, what is written when

A file is TOML with these sections; the command line has every field as an option and wins.  The
defaults are the preset ``paper`` as far as the paper says what it did.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from nitropilot.policy.naming import DEFAULT
from nitropilot.training.errors import BadSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Words = Annotated[tuple[str, ...], Strict(False)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class DataConfig(_Section):
    """Which recordings, and what is made of them."""

    data: Words = Field(
        default=(), description="Folders: a recording, or what holds some; repeatable", min_length=0
    )
    stride: int = Field(default=1, ge=1, description="Every how manieth frame becomes a sample")
    active: Share = Field(
        default=0.0,
        description="Least share of active steps in a chunk; the paper: 0.5",
    )
    hz: float | None = Field(
        default=None, gt=0, le=1000,
        description="Rows a second that recordings of another rate are resampled to",
    )  # fmt: skip
    held_out: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.1, description="Share of the data that is validated on and not learned from"
    )
    unused_weight: Share = Field(
        default=1.0, description="How much channels count that the data never uses"
    )
    corrections: float = Field(
        default=1.0, gt=0, le=100,
        description="How much a human's rows count in a recording of an agent",
    )  # fmt: skip
    before_takeover: float = Field(
        default=0.0, ge=0, le=60,
        description="Seconds of the agent before a human took over that are not learned",
    )  # fmt: skip
    damaged: Literal["skip", "stop"] = Field(
        default="skip", description="What a recording that cannot be read does"
    )
    frames_folder: str = Field(
        default="", description="Where decoded frames are kept; default: beside the checkpoints"
    )
    workers: int = Field(default=2, ge=1, le=64, description="Recordings decoded at a time")


class AugmentConfig(_Section):
    """How pictures are changed."""

    colour: Share = Field(default=0.2, description="Most change of brightness and colours")
    crop: Annotated[float, Field(ge=0, le=0.4)] = Field(
        default=0.05, description="Most of each side that is cut off"
    )
    shift: int = Field(default=4, ge=0, le=64, description="Most pixels that a picture is moved")
    blur: Share = Field(default=0.1, description="How often a picture is blurred")
    jpeg: Share = Field(default=0.1, description="How often a picture is compressed")


class ObjectiveConfig(_Section):
    """The flow, and what is hidden."""

    noise_alpha: float = Field(default=1.5, gt=0, le=100, description="Alpha of the times")
    noise_beta: float = Field(default=1.0, gt=0, le=100, description="Beta of the times")
    noise_s: float = Field(default=0.999, gt=0, lt=1, description="Largest time")
    game_dropout: Share = Field(default=0.1, description="How often a sample's game is hidden")
    action_dropout: Share = Field(
        default=0.0, description="How often a step's noisy action is hidden behind its noise"
    )


class OptimiserConfig(_Section):
    """AdamW, the schedule, the moving average."""

    learning_rate: float = Field(default=1e-4, gt=0, le=1, description="At its height")
    weight_decay: float = Field(default=0.001, ge=0, le=1, description="Of matrices")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Decay of the first moment")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="Decay of the second moment")
    warm_up: int = Field(default=100, ge=0, description="Steps in which the learning rate rises")
    decay: Share = Field(default=0.2, description="Share of the run in which it falls to 0")
    clip: float = Field(default=1.0, gt=0, description="Largest norm of the gradient")
    ema: float = Field(default=0.9999, ge=0, lt=1, description="Decay of the averaged weights")


class AdaptConfig(_Section):
    """How little of a policy that plays already is changed."""

    lora: int | None = Field(
        default=None, ge=1, le=1024, description="Rank of adapters, which alone are trained"
    )
    lora_alpha: float = Field(
        default=16.0, gt=0, le=4096, description="Adapters count this divided by their rank"
    )
    lora_layers: Words = Field(
        default=("attention", "mlp"),
        description="Layers that get an adapter: attention, mlp; repeatable",
    )
    anchor: float = Field(
        default=0.0, ge=0, le=100,
        description="How much the distance to the policy that it began as counts",
    )  # fmt: skip


class ChoiceConfig(_Section):
    """What chooses the best checkpoint: play, where a game is named, or the held-out loss."""

    play: Words = Field(
        default=(),
        description="Choose the best checkpoint by playing this game of the arcade, or one of its "
        "tasks; repeatable",
    )
    play_levels: int = Field(default=20, ge=1, le=10_000, description="Levels of each task")
    play_actions: int | None = Field(
        default=None,
        ge=1,
        description="Actions played of a chunk; default: as the policy says, or half",
    )


class RunConfig(_Section):
    """How long, how much at a time, what is written when."""

    policy: str = Field(default="", description="A checkpoint, or random:tiny, to start from")
    action_shift: int | None = Field(
        default=None, ge=0, le=1000, description="Ticks from a frame to its first action"
    )
    horizon: int | None = Field(default=None, ge=1, le=1024, description="Actions of a chunk")
    games: bool = Field(default=False, description="A token for each game, in a random policy")
    freeze: Words = Field(
        default=(),
        description="Part that stays: vision, mixer, dit, actions, games; repeatable",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="Of order, noise and changes")
    batch_size: int = Field(default=32, ge=1, le=65536, description="Samples a step")
    steps: int | None = Field(default=None, ge=1, description="How long, in steps")
    minutes: float | None = Field(default=None, gt=0, description="How long, in minutes here")
    device: str = Field(default="auto", description="cpu, cuda, or auto")
    precision: Literal["float32", "bfloat16"] = Field(default="float32", description="Of products")
    recompute: bool = Field(default=False, description="Compute blocks twice, for less memory")
    fsdp: bool = Field(default=False, description="Split weights among the processes")
    log_every: int = Field(default=10, ge=1, description="Steps between two rows of the log")
    validate_every: int = Field(default=200, ge=1, description="Steps between two validations")
    validation_samples: int = Field(default=256, ge=1, description="Most samples of a validation")
    save_every: int = Field(default=500, ge=1, description="Steps between two checkpoints")
    keep_every: int | None = Field(
        default=None, ge=1, description="Steps between two that are kept"
    )
    tensorboard: bool = Field(default=False, description="Write for TensorBoard too")


class TrainConfig(_Section):
    """The whole of it."""

    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    adapt: AdaptConfig = AdaptConfig()
    choice: ChoiceConfig = ChoiceConfig()
    run: RunConfig = RunConfig()


SECTIONS: dict[str, type[_Section]] = {
    "data": DataConfig,
    "augment": AugmentConfig,
    "objective": ObjectiveConfig,
    "optimiser": OptimiserConfig,
    "adapt": AdaptConfig,
    "choice": ChoiceConfig,
    "run": RunConfig,
}
FINETUNE: dict[str, Any] = {
    "policy": DEFAULT,
    "learning_rate": 5e-5,
    "warm_up": 20,
    "decay": 0.4,
    "validate_every": 50,
    "save_every": 100,
}
"""What fine-tuning does where nothing else is said: short runs, close to where they begin."""


def read_config(
    path: Path | None, given: Mapping[str, Any], otherwise: Mapping[str, Any] | None = None
) -> TrainConfig:
    """Put a configuration together.

    Args:
        path: A TOML file; None for none.
        given: Fields by their own names, from whatever section; they win.
        otherwise: Fields in the same way that take the place of the defaults.

    Raises:
        BadSettings: The file or a value cannot be followed; the field is named.
    """
    values = _file(path) if path is not None else {}
    for name, value in (otherwise or {}).items():
        values.setdefault(section_of(name), {}).setdefault(name, value)
    for name, value in given.items():
        values.setdefault(section_of(name), {})[name] = value
    try:
        config = TrainConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        where = f"{path}: " if path is not None else ""
        raise BadSettings(f"{where}{place}: {first['msg']}", "see docs/training.md") from None
    if config.run.steps is None and config.run.minutes is None:
        raise BadSettings("nothing says how long to train", "give --steps or --minutes")
    return config


def section_of(name: str) -> str:
    """The section of a field."""
    return next(place for place, model in SECTIONS.items() if name in model.model_fields)


def _file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings(f"cannot read {path}: {error.strerror}", "check the path") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is no TOML: {error}", "see docs/training.md") from None
    if unknown := sorted(values.keys() - SECTIONS.keys()):
        raise BadSettings(
            f"{path}: there is no section {unknown[0]!r}", f"sections are {', '.join(SECTIONS)}"
        )
    if bare := [name for name, section in values.items() if not isinstance(section, dict)]:
        raise BadSettings(f"{path}: {bare[0]} is no section", f"begin it with [{bare[0]}]")
    return values
