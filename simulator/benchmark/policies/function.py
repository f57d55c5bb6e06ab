"""``FunctionPlayer``: anybody's own Python function.

    def policy(picture, info):      # H x W x 3 uint8 RGB, and policies.info
        return actions              # T x 20: 16 buttons in [0, 1], 4 axes in [-1, 1], y up

    policy.reset = forget           # if it has one: called with info when an episode begins

Its process plays one episode after another, so a function that remembers anything needs a
``reset``.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.policies.answers import checked_answer
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.errors import CRASHED, EntryError, PolicyFailed
from nitropilot.simulator.benchmark.policies.player import Player

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.policies.player import Look

MODULE = "nitropilot_entry"
"""The name under which a policy's file is loaded."""


class FunctionPlayer(Player):
    """Asks a function.

    Args:
        entry: Which.

    Raises:
        EntryError: It cannot be loaded.
    """

    def __init__(self, entry: Entry) -> None:
        self._module = _load(entry)
        function = getattr(self._module, entry.function, None)
        if function is None:
            own = self._module.__name__
            names = [name for name, value in vars(self._module).items() if callable(value)
                     and getattr(value, "__module__", "") == own and name[0] != "_"]  # fmt: skip
            raise EntryError(
                f"{entry.place} has no {entry.function!r}",
                f"it has {', '.join(names)}" if names else "it has no function at all",
            )
        if not callable(function):
            raise EntryError(
                f"{entry.function!r} of {entry.place} is a {type(function).__name__}",
                "it is a function of (picture, info)",
            )
        self._function: Callable[..., Any] = function
        self._reset = getattr(function, "reset", None)
        self.card = Card(entry.name, "callable", _digest(self._module))

    def begin(self, info: dict[str, Any]) -> None:
        """Call its ``reset``, if it has one."""
        if self._reset is not None:
            self._call(self._reset, info)

    def decide(self, look: Look) -> Actions:
        """What it returns."""
        return checked_answer(self._call(self._function, look.picture, look.info))

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (Exception, SystemExit) as error:
            raise PolicyFailed(CRASHED, _told(error)) from error


def _load(entry: Entry) -> ModuleType:
    try:
        if not entry.place.endswith(".py"):
            return importlib.import_module(entry.place)
        spec = importlib.util.spec_from_file_location(MODULE, entry.place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[MODULE] = module  # dataclasses and pickles look there
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        hint = "the current folder is not searched" if isinstance(error, ImportError) else ""
        raise EntryError(f"{entry.place} cannot be loaded: {_told(error)}", hint) from error
    return module


def _told(error: BaseException) -> str:
    """An error in one line, with the place in the policy's code that raised it."""
    said = traceback.format_exception_only(error)[-1].strip()
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename not in (__file__, importlib.__file__) and frame.filename[0] != "<"
    ]
    if not frames or isinstance(error, SyntaxError):
        return said
    return f"{said} ({Path(frames[-1].filename).name}, line {frames[-1].lineno})"


def _digest(module: ModuleType) -> str:
    """SHA-256 of a module's source; "" where it has none."""
    try:
        return hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()
    except OSError:
        return ""
