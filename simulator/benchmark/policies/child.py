"""``python -m nitropilot.simulator.benchmark.policies.child``: a policy's own process.

Frames of ``policies.wire`` come on stdin and go to what was stdout; what the policy prints goes to
stderr.

    {"open": Entry, "means": Means}              {"card": Card}
    {"begin": info}                              {"begun": True}
    {"picture": H x W x 3, "info", "tick"}       {"actions": T x 20, "seconds"}

A question has a ``number``, which its answer repeats.  In place of an answer ``{"error": {"how",
"message", "hint"}}``.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from nitropilot.errors import NitroPilotError
from nitropilot.simulator.benchmark.policies.errors import CRASHED, PolicyFailed
from nitropilot.simulator.benchmark.policies.naming import Entry
from nitropilot.simulator.benchmark.policies.opening import Means, open_player
from nitropilot.simulator.benchmark.policies.orphans import Pipes
from nitropilot.simulator.benchmark.policies.player import Look

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.policies.player import Player


def main() -> None:
    """Answer until nobody asks any more."""
    pipes = Pipes()
    player: Player | None = None
    while (message := pipes.receive()) is not None:
        try:
            if "open" in message:
                player = open_player(Entry(**message["open"]), Means(**message["means"]))
                pipes.send({"card": player.card.plain()})
            else:
                assert player is not None
                pipes.send({"number": message["number"], **_answer(player, message)})
        except NitroPilotError as error:
            how = error.how if isinstance(error, PolicyFailed) else CRASHED
            said = {"how": how, "message": str(error), "hint": error.hint}
            pipes.send({"error": said, "number": message.get("number")})
        except MemoryError:
            said = {"how": CRASHED, "message": "no memory is left",
                    "hint": "run fewer episodes at once with --jobs"}  # fmt: skip
            pipes.send({"error": said, "number": message.get("number")})
    if player is not None:
        player.close()


def _answer(player: Player, message: dict[str, Any]) -> dict[str, Any]:
    if "begin" in message:
        player.begin(message["begin"])
        return {"begun": True}
    began = time.perf_counter()
    picture = np.array(message["picture"])  # a copy of the policy's own, which it may write to
    actions = player.decide(Look(picture, message["info"], message["tick"]))
    return {"actions": np.ascontiguousarray(actions), "seconds": time.perf_counter() - began}


if __name__ == "__main__":
    main()
    sys.exit()
