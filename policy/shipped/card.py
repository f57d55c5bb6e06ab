"""The card of a policy that comes with NitroPilot: what it is, what it learned from, how it plays.

A card lies beside its checkpoint, as JSON, and all that can be read from the checkpoint is checked
against it.  ``write_card`` makes both agree; nothing else writes one.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from nitropilot.policy.config import GameName, parse_config
from nitropilot.policy.errors import CheckpointError
from nitropilot.policy.steps_rows import StepsRow, require_once

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 8_000_000
"""Of a checkpoint that everybody gets who installs NitroPilot."""
AGAIN = "install NitroPilot again"
_BUFFERS = "pos_embed.pe"
"""Tensors that end so are tables, and no parameters."""
_MOST_HEADER = 2**20

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Text = Annotated[str, Field(min_length=1, max_length=1000)]
Names = Annotated[tuple[GameName, ...], Strict(False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Recipe(_Part):
    """How it was trained.

    Attributes:
        command: What trains such a one again.
        seed: Of that.
        minutes: That it took, on the wall.
        differs: In what it is not as the preset ``paper`` has it, a short text each.
    """

    command: Text
    seed: Annotated[int, Field(ge=0)]
    minutes: Annotated[float, Field(ge=0)]
    differs: Annotated[tuple[Text, ...], Strict(False)] = ()


class TaskFigures(_Part):
    """How it played one task.

    Attributes:
        task: Such as "runner-1".
        game: Of that, such as "runner".
        successes, episodes: Levels won, of how many.
        low, high: Interval of the success rate, 95 %.
        progress: Mean over the episodes.
    """

    task: Text
    game: GameName
    successes: Annotated[int, Field(ge=0)]
    episodes: Count
    low: Share
    high: Share
    progress: Share

    @model_validator(mode="after")
    def _fits(self) -> TaskFigures:
        if not self.low <= self.successes / self.episodes <= self.high:
            raise ValueError(
                f"{self.successes} of {self.episodes} is not between {self.low:g} and {self.high:g}"
            )
        return self


class How(_Part):
    """How the figures were measured.

    Attributes:
        actions: Played of each chunk.
        steps: Of the sampler.
        engine: What computed, device and precision included.
        machine: On what.
    """

    actions: Count
    steps: Count
    engine: Text
    machine: Text


class Measured(_Part):
    """What was measured."""

    tasks: Annotated[tuple[TaskFigures, ...], Field(min_length=1), Strict(False)]
    how: How

    @model_validator(mode="after")
    def _once(self) -> Measured:
        names = [figures.task for figures in self.tasks]
        if len(set(names)) < len(names):
            raise ValueError("a task is there twice")
        return self


class Card(_Part):
    """A policy that comes with NitroPilot.

    Attributes:
        name: As commands name it.
        sha256: Of the checkpoint.
        parameters: Numbers that training could change.
        bytes: Of the checkpoint.
        image_size: Side of the picture that it sees, in pixels.
        shift, horizon, spacing, hz: Its timeline (``records.timeline``); ticks a second.
        actions: How many actions of a chunk are played where nobody says otherwise.
        steps: Sampler steps.
        trained_on: Games.
        held_out: The game that was kept out of training and of every choice; None for none.
        recipe: How it was trained.
        measured: How it plays; None before anybody has measured it.
        steps_table: How it plays with other numbers of Euler steps; empty before that.
    """

    name: Text
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    parameters: Count
    bytes: Annotated[int, Field(ge=1, le=MOST_BYTES)]
    image_size: Count
    shift: int
    horizon: Count
    spacing: Annotated[int, Field(ge=0)]
    hz: Annotated[float, Field(gt=0)] | None
    actions: Count | None
    steps: Count
    trained_on: Names
    held_out: GameName | None
    recipe: Recipe
    measured: Measured | None
    steps_table: Annotated[tuple[StepsRow, ...], Strict(False)] = ()

    @model_validator(mode="after")
    def _held_out(self) -> Card:
        if self.held_out in self.trained_on:
            raise ValueError(f"{self.held_out} is held out, and trained on as well")
        require_once(self.steps_table)
        return self


def write_card(
    weights: Path,
    *,
    held_out: str | None,
    recipe: Recipe,
    measured: Measured | None = None,
    steps_table: tuple[StepsRow, ...] = (),
) -> Card:
    """Write the card of a checkpoint beside it; what the file itself says is read from it.

    Args:
        weights: The checkpoint, NAME.safetensors; the card becomes NAME.json.
        held_out: See ``Card``.
        recipe: See ``Card``.
        measured: See ``Card``.
        steps_table: See ``Card``.

    Raises:
        CheckpointError: The file cannot be read, is no checkpoint, is too large, or what is said
            of it cannot be.
    """
    facts = {
        "held_out": held_out, "recipe": recipe, "measured": measured, "steps_table": steps_table,
    }  # fmt: skip
    said = {"name": weights.stem, **facts_of(weights), **facts}
    card = _checked(said, weights, "say what is so")
    text = json.dumps(card.model_dump(mode="json"), indent=2) + "\n"
    try:
        card_beside(weights).write_text(text, encoding="utf-8")
        for file in (weights, card_beside(weights)):
            file.chmod(0o644)  # whoever it is installed for is another user
    except OSError as error:
        raise CheckpointError(
            f"cannot write {card_beside(weights)}: {error}", "choose another place"
        ) from error
    return card


def write_steps_table(weights: Path, rows: tuple[StepsRow, ...]) -> Card:
    """Write what was measured of a checkpoint's Euler steps into its card; the rest stays.

    Args:
        weights: The checkpoint; it must be the one that its card describes.
        rows: All of them: those of before go.

    Raises:
        CheckpointError: There is no card, it describes another file, or it cannot be written.
    """
    card = require_described(weights)
    return write_card(
        weights, held_out=card.held_out, recipe=card.recipe, measured=card.measured,
        steps_table=rows,
    )  # fmt: skip


def card_beside(weights: Path) -> Path:
    """Where the card of a checkpoint is."""
    return weights.with_suffix(".json")


def read_card(weights: Path) -> Card:
    """The card of a checkpoint; the checkpoint is not looked at.

    Raises:
        CheckpointError: There is none, or it is damaged.
    """
    place = card_beside(weights)
    try:
        said = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read {place}: {error}", AGAIN) from None
    return _checked(said, weights)


def require_described(weights: Path) -> Card:
    """The card of a checkpoint whose every byte is the one that the card describes.

    Raises:
        CheckpointError: It is another file, or the card is missing or damaged.
    """
    card = read_card(weights)
    try:
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise CheckpointError(f"cannot read {weights}: {error.strerror}", AGAIN) from None
    if found != card.sha256:
        raise CheckpointError(
            f"{weights} is not the file that {card_beside(weights).name} describes: "
            f"its SHA-256 is {found[:12]}..., not {card.sha256[:12]}...",
            AGAIN,
        )
    return card


def facts_of(weights: Path) -> dict[str, Any]:
    """What of a card can be read from the checkpoint itself, by the card's names.

    Raises:
        CheckpointError: It cannot be read, or has no header of a checkpoint.
    """
    try:
        data = weights.read_bytes()
        size = int.from_bytes(data[:8], "little")
        if not 0 < size <= min(_MOST_HEADER, len(data)):
            raise ValueError("it has no header of safetensors")
        header = json.loads(data[8 : 8 + size])
        raw = json.loads(header.pop("__metadata__")["ckpt_config"])
        shapes = {key: tensor["shape"] for key, tensor in header.items()}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise CheckpointError(f"{weights} is no checkpoint: {error}", "train it again") from None
    config = parse_config(raw, f"{weights}: ckpt_config")
    modality, own = config.modality_cfg, config.nitropilot
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "parameters": sum(
            math.prod(shape) for key, shape in shapes.items() if not key.endswith(_BUFFERS)
        ),
        "image_size": config.image_size,
        "shift": modality.action_shift,
        "horizon": config.model_cfg.action_horizon,
        "spacing": modality.frame_spacing,
        "hz": own.action_hz,
        "actions": own.actions,
        "steps": own.steps or config.model_cfg.num_inference_timesteps,
        "trained_on": own.games or (),
    }


def _checked(said: object, place: Path, fix: str = AGAIN) -> Card:
    try:
        return Card.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        message = first["msg"].removeprefix("Value error, ")
        raise CheckpointError(f"the card of {place}: {where}: {message}", fix) from None
