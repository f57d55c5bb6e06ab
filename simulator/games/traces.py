"""Pad traces: what was pressed in each step of an episode, as a file of a game's folder.

    {"task": "supertux-2", "seed": 1, "won": true, "progress": 1.0, "version": "0.6.3",
     "pads": [[24, {"left": [1.0, 0.0]}], [12, {"left": [1.0, 0.0], "buttons": ["a"]}], ...]}

Each pad is there for so many steps; what it does not name is at rest.  ``environments.replaying``
plays one again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import Button, GamepadState

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = "traces"


@dataclass(frozen=True)
class PadTrace:
    """An episode that can be played again.

    Attributes:
        task: Its name.
        seed: Of the episode.
        version: Of the game that it was played with.
        won: Whether it was.
        progress: Where it ended.
        states: The pad of each step.
    """

    task: str
    seed: int
    version: str
    won: bool
    progress: float
    states: tuple[GamepadState, ...]

    def write(self, path: Path) -> None:
        """Keep it.

        Raises:
            OSError: There is no room.
        """
        pads = [[len([*group]), _named(state)] for state, group in groupby(self.states)]
        lines = ",\n  ".join(json.dumps(pad) for pad in pads)
        head = json.dumps(
            {"task": self.task, "seed": self.seed, "version": self.version, "won": self.won,
             "progress": self.progress}
        )  # fmt: skip
        path.write_text(f'{head[:-1]}, "pads": [\n  {lines}\n]}}\n', encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> PadTrace:
        """One that was kept.

        Raises:
            ValueError: It is none.
        """
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
            states = tuple(
                state for count, pad in said.pop("pads") for state in [_state(**pad)] * count
            )
            return cls(**said, states=states)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no pad trace: {error}") from error


def traces_of(game: str) -> list[Path]:
    """The traces kept in a game's folder, in the order of their names."""
    return sorted((Path(__file__).parent / game / FOLDER).glob("*.json"))


def _named(state: GamepadState) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name in ("left", "right"):
        if any(stick := getattr(state, name)):
            said[name] = [*stick]
    for name in ("left_trigger", "right_trigger"):
        if pulled := getattr(state, name):
            said[name] = pulled
    if state.buttons:
        said["buttons"] = [str(one.name).lower() for one in state.buttons]
    return said


def _state(
    left: Iterable[float] = (0.0, 0.0),
    right: Iterable[float] = (0.0, 0.0),
    left_trigger: float = 0.0,
    right_trigger: float = 0.0,
    buttons: Iterable[str] = (),
) -> GamepadState:
    pressed = Button(0)
    for name in buttons:
        pressed |= Button[name.upper()]
    (lx, ly), (rx, ry) = left, right
    return GamepadState((lx, ly), (rx, ry), left_trigger, right_trigger, pressed)
