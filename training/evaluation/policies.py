"""Which policies are compared, and whether they can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from nitropilot.places import spelled
from nitropilot.policy.actions import ACTION_DIM
from nitropilot.policy.files.checkpoint import empty_policy, load_policy
from nitropilot.policy.files.formats import read_checkpoint
from nitropilot.policy.naming import SHIPPED, from_root, parse_adapted, parse_random
from nitropilot.policy.network.random_weights import make_random_policy
from nitropilot.texts import meant, shown
from nitropilot.training.errors import BadSettings
from nitropilot.training.trainer.files import FACTS, NEWEST, STATE
from nitropilot.training.trainer.start import timeline_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.policy.network.policy import Policy


@dataclass(frozen=True, eq=False)
class Entry:
    """A policy that is compared.

    Attributes:
        name: The end of what the user named it, as long as tells it from the others.
        place: Its file, or the name of one that is shipped or random.
        shape: Its network, of which nothing but sizes and settings is to be used.
    """

    name: str
    place: str
    shape: Policy

    def load(self, device: torch.device) -> Policy:
        """The policy itself.

        Raises:
            PolicyError: It cannot be loaded.
        """
        policy = _random(self.place)
        return (load_policy(self.place) if policy is None else policy).to(device)


def open_entries(names: Sequence[str]) -> list[Entry]:
    """The policies that a user names.

    Args:
        names: Checkpoints, folders of runs, ``pocket``, ``random:tiny``.

    Raises:
        BadSettings: None is named, or one twice, or one is no policy, or two cannot be compared.
        PolicyError: One cannot be read.
    """
    if not names:
        raise BadSettings("no policy is named to evaluate", "name one or more checkpoints")
    entries: list[Entry] = []
    for name, label in zip(names, labels_of(names), strict=True):
        place = weights_of(name)
        if other := next((each for each in entries if each.place == place), None):
            raise BadSettings(
                f"{shown(name)} is the same policy as {other.name}: {shown(place)}",
                "name each once",
            )
        entries.append(Entry(label, place, _shape(place)))
    require_comparable(entries)
    return entries


def labels_of(names: Sequence[str]) -> list[str]:
    """The shortest ends of names that tell them apart; of names that are the same the whole."""
    parts = [[part for part in shown(name).replace("\\", "/").split("/") if part] for name in names]
    found = []
    for mine in parts:
        ends = ("/".join(mine[-count:]) for count in range(1, len(mine) + 1))
        found.append(
            next(
                (end for end in ends
                 if sum(f"/{'/'.join(other)}".endswith(f"/{end}") for other in parts) == 1),
                "/".join(mine),
            )
        )  # fmt: skip
    return found


def weights_of(name: str) -> str:
    """The file that holds the averaged weights of what is named.

    A run's folder stands for its newest policy; its ``state.pt``, which has the raw weights too,
    for none.

    Raises:
        BadSettings: There is none yet, or ``state.pt`` is named.
    """
    if name in SHIPPED or parse_random(name) is not None:
        return name
    if parse_adapted(name):
        return from_root(name)
    path = meant(spelled(name))
    if path.is_file() and path.name == STATE:
        raise BadSettings(
            f"{shown(name)} is what a run goes on with, and no policy",
            "name its folder: that stands for its newest policy, which has the averaged weights",
        )
    if not (path.is_dir() and ((path / STATE).is_file() or (path / FACTS).is_file())):
        return str(path)
    if not (path / NEWEST).is_file():
        raise BadSettings(
            f"the run in {shown(name)} has written no {NEWEST} yet", "let it write its first one"
        )
    return str(path / NEWEST)


def require_comparable(entries: Sequence[Entry]) -> None:
    """See that all answer the same question, but for how far ahead.

    Raises:
        BadSettings: Two differ in rate or shift; both values are named.
    """
    for what, unit, values in (
        ("rate", "actions a second", [_hz(each.shape) for each in entries]),
        ("shift", "ticks", [float(timeline_of(each.shape).shift) for each in entries]),
    ):
        told = [(entry.name, value) for entry, value in zip(entries, values, strict=True)
                if value is not None]  # fmt: skip
        for name, value in told:
            if value != told[0][1]:
                raise BadSettings(
                    f"{told[0][0]} has a {what} of {told[0][1]:g} {unit}, and {name} of {value:g}: "
                    "they answer different questions",
                    "evaluate them apart, each with recordings that fit it",
                )


def _hz(policy: Policy) -> float | None:
    return policy.config.nitropilot.action_hz


def _shape(place: str) -> Policy:
    policy = _random(place)
    if policy is None:
        policy = empty_policy(read_checkpoint(place))
    if policy.action_dim != ACTION_DIM:
        raise BadSettings(
            f"{shown(place)} has actions of {policy.action_dim} channels, and labels have "
            f"{ACTION_DIM}",
            f"only policies of {ACTION_DIM} channels can be evaluated",
        )
    return policy


def _random(place: str) -> Policy | None:
    chosen = parse_random(place)
    return None if chosen is None else make_random_policy(*chosen)
