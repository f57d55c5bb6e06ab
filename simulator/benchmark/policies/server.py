"""``ServerPlayer``: a policy server of another program, over the openpi wire.

One message is asked and one answered, msgpack with NumPy arrays:

    request   observation/image   H x W x 3 uint8, RGB
              prompt              what has to be done, in words
              info                policies.info
              reset               true in the first request of an episode
    answer    actions             T x 20: 16 buttons in [0, 1], 4 axes in [-1, 1], y up

What the server says first is a map of its own; ``action_shift`` and ``action_hz`` in it are
believed.  A text in place of an answer is its error, as openpi's servers send it.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from nitropilot.engines.errors import EngineUnavailable, WireError
from nitropilot.engines.remote.connect import START, check_token, parse_address
from nitropilot.engines.remote.engine import RemoteEngine
from nitropilot.engines.remote.wire import MIB, Limits, pack, unpack
from nitropilot.simulator.benchmark.policies.answers import WANTED, checked_answer
from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.engine import EnginePlayer
from nitropilot.simulator.benchmark.policies.errors import (
    CRASHED,
    RUBBISH,
    EntryError,
    PolicyFailed,
)
from nitropilot.simulator.benchmark.policies.player import Player

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

    from nitropilot.simulator.benchmark.policies.answers import Actions
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.policies.player import Look

LIMITS = Limits(size=16 * MIB)
CONNECT_S = 10.0


class ServerPlayer(Player):
    """Asks a policy server that is none of NitroPilot's.

    Args:
        entry: Where it is.
        connection: To it.
        end: Ends the connection.
        facts: What it said first.
    """

    def __init__(
        self, entry: Entry, connection: ClientConnection, end: ExitStack, facts: dict[str, Any]
    ) -> None:
        self._connection, self._end = connection, end
        self.card = Card(
            entry.name,
            "server",
            shift=_number(facts, "action_shift", 1),
            hz=_number(facts, "action_hz", 60),
        )
        self._fresh = True

    def begin(self, info: dict[str, Any]) -> None:
        """The next request says that an episode begins."""
        self._fresh = True

    def decide(self, look: Look) -> Actions:
        """What it answers."""
        request = {
            "observation/image": look.picture,
            "prompt": str(look.info.get("goal", "")),
            "info": look.info,
            "reset": self._fresh,
        }
        self._fresh = False
        try:
            self._connection.send(pack(request))
            answer = self._connection.recv()
            said = answer if isinstance(answer, str) else unpack(answer, LIMITS)
        except WireError as error:
            raise PolicyFailed(RUBBISH, f"its answer: {error}", error.hint) from error
        except (OSError, EOFError, WebSocketException) as error:
            raise PolicyFailed(CRASHED, f"the connection ended: {error}") from error
        if isinstance(said, str):
            raise PolicyFailed(CRASHED, f"the server says: {said.strip()[-300:]}")
        if not isinstance(said, dict) or "actions" not in said:
            raise PolicyFailed(RUBBISH, "its answer has no actions", WANTED)
        return checked_answer(said["actions"])

    def close(self) -> None:
        """End the connection."""
        self._end.close()


def open_server(entry: Entry, token: str = "") -> Player:
    """A player for the server at ``entry.place``, of NitroPilot or not.

    Raises:
        EngineUnavailable: It is not there, or does not let us in.
        EntryError: It does not speak this wire.
    """
    address, headers = parse_address(entry.place), {}
    if check_token(token):
        headers["Authorization"] = f"Bearer {token}"
    with ExitStack() as end:
        try:
            connection = end.enter_context(connect(
                address.uri, additional_headers=headers, compression=None, open_timeout=CONNECT_S,
                max_size=LIMITS.size, proxy=None if address.is_loopback else True,
            ))  # fmt: skip
            first = connection.recv(CONNECT_S)
        except (OSError, EOFError, ValueError, WebSocketException) as error:
            why = str(error) or type(error).__name__
            raise EngineUnavailable(
                f"no policy server answers at {address}: {why}",
                f"is it running, and the address right? {START}",
            ) from error
        try:
            facts = _facts(first)
            if facts.get("server") != "nitropilot":
                return ServerPlayer(entry, connection, end.pop_all(), facts)
        except (WireError, EntryError) as error:
            raise EntryError(f"{address}: {error}", error.hint) from error
    return EnginePlayer(entry, RemoteEngine(entry.place, token))


def _facts(first: bytes | str) -> dict[str, Any]:
    facts = {} if isinstance(first, str) else unpack(first, Limits(size=4 * MIB, items=20_000))
    if not isinstance(facts, dict):
        raise WireError("its first message is no map")
    return facts


def _number(facts: dict[str, Any], name: str, usual: int) -> int:
    value = facts.get(name, usual)
    if type(value) not in (int, float) or value != int(value):
        raise WireError(f"its {name} is {str(value)[:40]!r}", "a whole number is expected")
    return int(value)
