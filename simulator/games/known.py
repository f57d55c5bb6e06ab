"""``KNOWN_GAMES``: what the folders beside this file say of their games, by name."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nitropilot.agent.errors import LaunchFailed
from nitropilot.agent.target.recipe import Recipe
from nitropilot.children import find_program, import_path, module_command

GAMES_FOLDER = "/usr/games"
"""Where games are that are not on everybody's PATH."""
SHEET = "game.toml"
PERSPECTIVES = ("2D side", "2D top", "3D")
LAYOUTS = ("fixed", "procedural")
CATEGORIES = ("combat", "navigation", "game-specific")


@dataclass(frozen=True)
class GameTask:
    """One task of a game.

    Attributes:
        name: The game's name and its number, from 1.
        goal: What has to be done, in words.
        category: One of ``CATEGORIES``.
        seconds: Of game time, after which it is cut off.
        start: Name of its start state; the game's judge makes it.
        measure: What the judge looks at.
        replay: Whether a pad trace gives the same verdict each time; a sheet says why not.
    """

    name: str
    goal: str
    category: str
    seconds: int
    start: str
    measure: str
    replay: bool = True


@dataclass(frozen=True)
class Hold:
    """How a game goes by steps.

    Attributes:
        lockstep: Whether it can be stepped by the picture.
        settle: Whether a step of lockstep waits until all its threads rest.
    """

    lockstep: bool
    settle: bool


@dataclass(frozen=True)
class Start:
    """How a game is started.

    Attributes:
        program: Its executable; "" if it is a module of ours.
        module: A module of ours; "" if it is a program.
        arguments: What follows, with ``{profile}``, ``{width}`` and ``{height}``.
        start: A file that the game opens to be in play at once, if it is there; or "".
        size: Width and height of its window, in pixels.
        private_profile: See ``Recipe``.
        opening: See ``Recipe``.
    """

    program: str = ""
    module: str = ""
    arguments: tuple[str, ...] = ()
    start: str = ""
    size: tuple[int, int] = (800, 600)
    private_profile: bool = True
    opening: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Setting:
    """How a game is started for its tasks, in place of or on top of ``Start``.

    Attributes:
        start: The file that it opens, as in ``KnownGame.recipe``.
        size: Width and height of its window, in pixels.
        arguments: More of them, before the start.
        variables: Of its environment, as pairs of name and value.
        tap: The button that is tapped until the judge says that the game is in play; or "".
    """

    start: str
    size: tuple[int, int]
    arguments: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    tap: str = ""


@dataclass(frozen=True)
class KnownGame:
    """What a folder says of its game.

    Attributes:
        name: The folder's, and what a player types after ``--launch``.
        title: As people write it.
        licence: Of the game, and of what it shows.
        perspective, layout: Tags: of ``PERSPECTIVES`` and ``LAYOUTS``.
        packages: Of Debian that have it; none if it comes with us.
        tried: Versions that it was tried with.
        asked, answers: What it is started with to say its version, and a pattern of what it says.
        launch: How it is started.
        pad_notes: What its pad does, in words.
        hold: How it goes by steps.
        setting: How it is started for its tasks; None if it has none.
        tasks: In the order of their numbers.
    """

    name: str
    title: str
    licence: str
    perspective: str
    layout: str
    packages: tuple[str, ...]
    tried: tuple[str, ...]
    asked: tuple[str, ...]
    answers: str
    launch: Start
    pad_notes: str
    hold: Hold
    setting: Setting | None
    tasks: tuple[GameTask, ...]

    def recipe(self) -> Recipe:
        """How to start it.

        Raises:
            LaunchFailed: It is not installed; the hint says how to get it.
        """
        start = self.launch.start if Path(self.launch.start).is_file() else ""
        return self._recipe(self.launch.size, (), start)

    def task_recipe(self) -> Recipe:
        """How to start it for its tasks.

        Raises:
            LaunchFailed: As ``recipe``.
        """
        assert self.setting is not None
        recipe = self._recipe(self.setting.size, self.setting.arguments, self.setting.start)
        variables = (*recipe.environment, *self.setting.variables)
        return replace(recipe, environment=variables, opening=())

    def _recipe(self, size: tuple[int, int], more: tuple[str, ...], start: str) -> Recipe:
        width, height = size
        words = [
            word.replace("{width}", str(width)).replace("{height}", str(height))
            for word in (*self.launch.arguments, *more, *([start] if start else []))
        ]
        program = self._program()
        environment: tuple[tuple[str, str], ...] = ()
        if self.launch.module:
            program, *module = module_command(self.launch.module)
            words = [*module, *words]
            environment = (("PYTHONPATH", import_path()),)
        return Recipe(
            self.name,
            program,
            tuple(words),
            private_profile=self.launch.private_profile,
            environment=environment,
            opening=self.launch.opening,
        )

    def _program(self) -> str:
        name = self.launch.program
        path = find_program(name) or find_program(name, GAMES_FOLDER) if name else sys.executable
        if path is None:
            raise LaunchFailed(
                f"{self.title} is not installed ({name} was not found)",
                f"install it (Debian, Ubuntu: apt-get install {' '.join(self.packages)})",
            )
        return path


def read_game(folder: Path) -> KnownGame:
    """What a folder says of its game.

    Raises:
        ValueError: Its sheet cannot be read, or says what no game can.
    """
    try:
        said = tomllib.loads((folder / SHEET).read_text(encoding="utf-8"))
        game = _game(folder.name, said)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / SHEET}: {type(error).__name__}: {error}") from error
    return game


def _game(name: str, said: dict[str, Any]) -> KnownGame:
    launch = dict(said.pop("launch"))
    for key in ("arguments", "size"):
        if key in launch:
            launch[key] = tuple(launch[key])
    launch["opening"] = tuple((float(wait), button) for wait, button in launch.get("opening", ()))
    start = Start(**launch)
    if bool(start.program) == bool(start.module):
        raise ValueError("a game is one of program and module")
    packages = said.pop("packages", {})
    setting = said.pop("environment", None)
    tasks = tuple(
        GameTask(f"{name}-{place + 1}", **{**one, "category": _one_of(one["category"], CATEGORIES)})
        for place, one in enumerate(said.pop("tasks", ()))
    )
    return KnownGame(
        name=name,
        perspective=_one_of(said.pop("perspective"), PERSPECTIVES),
        layout=_one_of(said.pop("layout"), LAYOUTS),
        packages=tuple(packages.get("debian", ())),
        tried=tuple(packages.get("tried", ())),
        asked=tuple(packages.get("asked", ())),
        answers=packages.get("answers", ""),
        launch=start,
        pad_notes=said.pop("pad")["notes"],
        hold=Hold(**said.pop("hold")),
        setting=_setting(setting) if setting is not None else None,
        tasks=tasks,
        **said,
    )


def _setting(said: dict[str, Any]) -> Setting:
    return Setting(
        **{
            **said,
            "size": tuple(said["size"]),
            "arguments": tuple(said.get("arguments", ())),
            "variables": tuple(said.get("variables", {}).items()),
        }
    )


def _one_of(value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{value!r} is not one of {', '.join(known)}")
    return value


KNOWN_GAMES = {
    path.parent.name: read_game(path.parent)
    for path in sorted(Path(__file__).parent.glob(f"*/{SHEET}"))
}
"""By name."""
GAME_TASKS = {task.name: (game, task) for game in KNOWN_GAMES.values() for task in game.tasks}
"""By name, each with its game."""
