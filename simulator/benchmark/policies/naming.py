"""``--policy TEXT``: which kind of policy a text names.  Nothing is loaded."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from nitropilot.places import spelled
from nitropilot.policy.naming import SHIPPED, SIZES, from_root, parse_adapted, parse_random
from nitropilot.simulator.benchmark.policies.builtin import BUILT_IN, HUMAN, NEAR
from nitropilot.simulator.benchmark.policies.errors import UnknownPolicy
from nitropilot.texts import meant

FORMS = (
    "pocket, idle, random, expert, a checkpoint, random:tiny, ws://HOST:PORT, FILE.py:function or "
    "package.module:function"
)
_SERVER = ("ws://", "wss://")
_NAME = r"[^\W\d]\w*"
_MODULE = re.compile(rf"({_NAME}(?:\.{_NAME})*):({_NAME})")


@dataclass(frozen=True)
class Entry:
    """A policy that is to enter.

    Attributes:
        name: As results call it: the text it was entered as.
        kind: "idle", "random", "expert", "checkpoint", "server", "callable" or
            "human".
        place: A checkpoint's name or path, a server's address, a Python file or a module; "" for
            what is built in.
        function: Of that file or module.
    """

    name: str
    kind: str
    place: str = ""
    function: str = ""

    @property
    def built_in(self) -> bool:
        """Whether it plays in the episode's own process."""
        return self.kind in NEAR


def parse_entry(text: str) -> Entry:
    """Read ``--policy``.

    Raises:
        UnknownPolicy: It names nothing that can enter; the hint has what is like it.
        PolicyError: There are no random weights of that size or seed.
    """
    if text in BUILT_IN:
        return Entry(text, text)
    if text == HUMAN:
        raise UnknownPolicy("a person is no --policy", "use `nitropilot benchmark record`")
    if text.startswith(_SERVER):
        return Entry(text, "server", text)
    if text in SHIPPED or parse_random(text):
        return Entry(text, "checkpoint", text)
    if parse_adapted(text):
        return Entry(text, "checkpoint", from_root(text))
    file, colon, function = text.rpartition(":")
    if colon and file.endswith(".py"):
        return _of_a_file(text, file, function)
    if found := _MODULE.fullmatch(text):
        return Entry(text, "callable", found[1], found[2])
    path = meant(spelled(text)) if text else Path()
    if text and path.exists() and path.suffix != ".py":
        return Entry(text, "checkpoint", str(path))
    raise _unknown(text)


def _of_a_file(text: str, file: str, function: str) -> Entry:
    path = spelled(file)
    if not path.is_file():
        raise UnknownPolicy(f"there is no file {path}", "a policy's file is named FILE.py:function")
    if not function.isidentifier():
        raise UnknownPolicy(f"{function!r} is no function's name", "write FILE.py:function")
    return Entry(text, "callable", str(path), function)


def _unknown(text: str) -> UnknownPolicy:
    if text.endswith(".py"):
        return UnknownPolicy(f"{text!r} names a file and no function", f"write {text}:function")
    words = [*SHIPPED, *BUILT_IN, *(f"random:{size}" for size in SIZES)]
    near = difflib.get_close_matches(text, words, 1)
    return UnknownPolicy(
        f"there is no policy {text!r}",
        f"did you mean {near[0]}?" if near else f"policies are {FORMS}",
    )
