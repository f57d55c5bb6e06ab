"""The card of a policy that is published: the user's own, or one of what the checkpoint says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nitropilot.policy import describe
from nitropilot.server.errors import PushFailed

if TYPE_CHECKING:
    from pathlib import Path

CARD = "README.md"
SAID = (
    "parameters", "image_size", "frames", "horizon", "action_shift", "steps", "actions", "sha256",
)  # fmt: skip
"""What of a checkpoint's facts stands in its card."""


def card_of(place: Path, card: Path | None, licence: str | None) -> Path | str:
    """A policy's card: its file, or its text.

    Args:
        place: The policy's file or folder.
        card: Its card, where the user names one.
        licence: For a card that is made.

    Raises:
        PolicyError: The policy cannot be read.
        PushFailed: Its weights are random, there is no such card, a card is to be made without a
            licence, or is not to be made and there is a licence.
    """
    facts = describe(str(place)).model_dump(mode="json")
    if facts["is_random"]:
        raise PushFailed(f"the weights of {place} are random", "train it first")
    beside = (place if place.is_dir() else place.parent) / CARD
    named = card or (beside if beside.is_file() else None)
    if named is None and not (licence or "").strip():
        raise PushFailed(
            f"{place} has no card", "name one with --card, or a licence with --licence, such as mit"
        )
    if named is None:
        return made(place.name, facts, str(licence))
    if not named.is_file():
        raise PushFailed(f"there is no card {named}", "name a file")
    if licence:
        raise PushFailed(
            f"--licence {licence} is for a card that is made, and there is {named}",
            "leave it out: the card's head says it",
        )
    return named


def made(name: str, facts: dict[str, Any], licence: str) -> str:
    """A card of what a checkpoint says of itself."""
    games = [str(game) for game in facts["trained_on"]]
    head = {
        "license": licence, "pipeline_tag": "robotics",
        "tags": ["nitropilot", "video-games", "gamepad", "behavior-cloning"],
    }  # fmt: skip
    rows = [f"| {key.replace('_', ' ')} | {facts[key]} |" for key in SAID]
    played = ", ".join(games) if games else "games that it does not name"
    return "\n".join([
        "---", *(f"{key}: {json.dumps(value)}" for key, value in head.items()), "---", "",
        f"# {name}", "",
        f"A policy of NitroGen's architecture that plays from pixels, trained on {played}.", "",
        "| | |", "| --- | --- |", *rows, "",
        "```", "nitropilot policies pull NAMESPACE/NAME", "nitropilot play --policy FOLDER", "```",
        "",
    ])  # fmt: skip
