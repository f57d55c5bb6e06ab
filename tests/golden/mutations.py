"""Break the program in small ways; the golden traces must notice each: ``make golden-mutations``.

Each mutation is a text that is replaced in a copy of the source.  It names no file, so that it
survives when files move; a text that is no longer there once is an error, to be put right here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.golden import expected
from tests.golden.overlay import browser
from tests.golden.scenarios import SCENARIOS
from tests.house.imports import ROOMS

OWN = ("tests/golden", "tests/house", "tests/support")
"""What a copy needs beside the rooms."""
LOOK = "--look"
KINDS = (".py", ".js")


class Mutation(NamedTuple):
    """One way to break the program.

    Attributes:
        name: What is broken.
        old: The text that is replaced.
        new: By what.
        play: The one that is likely to notice.
    """

    name: str
    old: str
    new: str
    play: str = "runner-paused"


RUNNER, TUX, AUTO = "runner-realtime", "supertux-realtime", "runner-auto"

MUTATIONS = (
    Mutation("the left stick upside down", "left=(left_x, -left_y),", "left=(left_x, left_y),"),
    Mutation("a flick of the right stick to the wrong side",
             '"RIGHT_LEFT": (-1.0, 0.0)', '"RIGHT_LEFT": (1.0, 0.0)'),
    Mutation("triggers half pulled", 'left_trigger=float("LEFT_TRIGGER" in pressed)',
             'left_trigger=0.5 * ("LEFT_TRIGGER" in pressed)'),
    Mutation("the guard lets everything through", "        return limits.mask(state)\n",
             "        return state\n"),
    Mutation("what the guard held back is not counted for sticks",
             "self.held_back.update(name.upper() for name in limits.moved(state))", "pass"),
    Mutation("one action more is dropped", "dropped = min(max(now - start, 0), len(actions))",
             "dropped = min(max(now - start + 1, 0), len(actions))", RUNNER),
    Mutation("a frame belongs to the tick before",
             "math.floor((moment - self.origin) * self.hz)",
             "math.floor((moment - self.origin) * self.hz) - 1", RUNNER),
    Mutation("no sent action is remembered", "SENT_KEPT = 4", "SENT_KEPT = 0", RUNNER),
    Mutation("the cross-fade is a step off", "np.float32((step + 1) / (steps + 1))",
             "np.float32((step + 1) / (steps + 2))", TUX),
    Mutation("the weights of joining fall off otherwise",
             "left * math.expm1(left) / (math.e - 1)", "left * left", RUNNER),
    Mutation("one action less is fixed", "fixed = min(max(fixed, 0), overlap)",
             "fixed = min(max(fixed - 1, 0), overlap)", RUNNER),
    Mutation("looks begin at another rank of the delays",
             "DELAY_RANK = 95", "DELAY_RANK = 50", RUNNER),
    Mutation("trace times are rounded", "DIGITS = 6", "DIGITS = 4"),
    Mutation("trace actions are rounded", "np.round(actions.astype(float), 5)",
             "np.round(actions.astype(float), 4)"),
    Mutation("frames of before are never forgotten",
             "        if run != self._run:\n            self._past.clear()\n",
             "        if run != self._run:\n", "supertux-paused"),
    Mutation("the newest frame comes first", "* missing + known)",
             "* missing + known[::-1])", "supertux-paused"),
    Mutation("the game is let run without its chunk", "period, tail=TAIL_S, thaw=True",
             "period, tail=TAIL_S"),
    Mutation("the freeze counts as play",
             "self.stats.frozen_seconds += time.perf_counter() - frozen",
             "pass"),
    Mutation("letting go does not make the pad neutral",
             "NO_EPOCH\n        self._passed_on = False\n        self.rest()\n",
             "NO_EPOCH\n        self._passed_on = False\n"),
    Mutation("an answer lacks a field's value",
             "pad=PadModel(name=pad, reason=facts.pad_reason) if pad is not None else None",
             "pad=None"),
    Mutation("an answer lacks a field", '    held_back: dict[str, int] = Field(description='
             '"Controls masked so far")\n', ""),
    Mutation("an error has another status", '"not_possible_now": 409', '"not_possible_now": 400'),
    Mutation("an event's field has another name",
             "late_ms=_ms(moved.late)", "late=_ms(moved.late)"),
    Mutation("events have seconds for milliseconds",
             "None if seconds is None else round(seconds * 1000, 3)",
             "None if seconds is None else round(seconds, 6)"),
    Mutation("a person's pad is told as the agent's",
             'session.events.pad(state, source="human")', "session.events.pad(state)"),
    Mutation("the agent never plays again after a takeover",
             "self._attempt(session, lambda one: self._ask(one, lambda: _hand_back(one)))", "pass"),
    Mutation("a recording's sticks upside down", "0.0 - row.left_y", "row.left_y"),
    Mutation("the caption counts from nought", "chunk {self.chunk + 1}  action",
             "chunk {self.chunk}  action"),
    Mutation("the drawn stick moves less", "STICK_TRAVEL = 8.0", "STICK_TRAVEL = 6.0"),
    Mutation("silence is said sooner", "SILENT_S = 1.0", "SILENT_S = 0.9", AUTO),
    Mutation("the overlay says another word", 'this.#badge("human", "HUMAN")',
             'this.#badge("human", "PLAYER")'),
    Mutation("the overlay's stick upside down", "at([x * STICK_REACH, -y * STICK_REACH])",
             "at([x * STICK_REACH, y * STICK_REACH])"),
    Mutation("the overlay lists fewer inputs", "const KEPT = 14;", "const KEPT = 10;"),
)  # fmt: skip


def sources(root: Path) -> dict[Path, str]:
    """The program's files that a mutation may be in, with their texts."""
    files = [path for room in ROOMS for path in (root / room).rglob("*")]
    return {path: path.read_text(encoding="utf-8") for path in files if path.suffix in KINDS}


def place_of(mutation: Mutation, texts: dict[Path, str]) -> Path:
    """The one file that has the text.

    Raises:
        LookupError: The text is not there exactly once.
    """
    found = [path for path, text in texts.items() for _ in range(text.count(mutation.old))]
    if len(found) != 1:
        raise LookupError(f"{mutation.name}: {mutation.old!r} is there {len(found)} times")
    return found[0]


def apply(mutation: Mutation, root: Path) -> None:
    """Break a copy of the source.

    Raises:
        LookupError: The text is not there exactly once.
    """
    texts = sources(root)
    place = place_of(mutation, texts)
    place.write_text(texts[place].replace(mutation.old, mutation.new), encoding="utf-8")


def notices(root: Path, play: str) -> str:
    """What the traces say first of a copy of the source; "" if they like it."""
    command = [sys.executable, "-m", "tests.golden.mutations", LOOK, play]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip()[-300:]


def look(first: str) -> str:
    """Feed the plays back, this one first, until something is not as expected; what it is."""
    with tempfile.TemporaryDirectory() as name:
        for play in (first, *(other for other in SCENARIOS if other != first)):
            expected.fed_back(Path(name), 1, play)
            folder = Path(name) / "0" / play
            for part in ("chunks", *expected.PARTS):
                if why := expected.compare(folder, play, part):
                    return f"{play}: {why}"
            with browser() as one:
                if why := expected.compare_overlay(one, folder, play):
                    return f"{play}: {why}"
    return ""


def said_of(mutation: Mutation | None) -> str:
    """What the traces say of the program with this mutation, or without any."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in (*ROOMS, *OWN):
            shutil.copytree(folder, root / folder)
        (root / "tests" / "__init__.py").touch()
        if mutation is not None:
            apply(mutation, root)
        return notices(root, mutation.play if mutation is not None else RUNNER)


def main(words: list[str]) -> int:
    """Try all mutations, or those with one of these words in their name; 1 if one is missed."""
    if words[:1] == [LOOK]:
        print(look(words[1]))
        return 0
    if said := said_of(None):
        print(f"not as expected without a mutation: {said}")
        return 1
    missed = []
    for mutation in MUTATIONS:
        if words and not any(word in mutation.name for word in words):
            continue
        said = said_of(mutation)
        print(f"{'noticed' if said else 'MISSED'}: {mutation.name}: {said}", flush=True)
        if not said:
            missed.append(mutation.name)
    return min(len(missed), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
