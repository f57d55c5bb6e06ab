"""``Room``: how many clients there may be, and who gives way to one that comes.

A place costs nothing to hold, so whoever only holds one has to give it up when another wants it;
and no address may keep others out by its number of clients.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nitropilot.server.policy_server.connection import Client


@dataclass(frozen=True)
class Patience:
    """With clients that ask nothing.

    Attributes:
        gives_way_s: After so long a client gives way when all places are taken.
        idle_s: After so long it is turned out in any case.
    """

    gives_way_s: float = 60.0
    idle_s: float = 600.0


class Room:
    """The clients of a policy server.  Used in the event loop.

    Args:
        most: How many there may be.
        patience: With those that ask nothing.
    """

    def __init__(self, most: int, patience: Patience) -> None:
        self._most = most
        self._patience = patience
        self._clients: set[Client] = set()

    def make(self, address: str) -> bool:
        """Whether there is a place for one more client from an address; one may have to go."""
        if len(self._clients) < self._most:
            return True
        leaver = self._too_quiet() or self._one_of_too_many(address)
        if leaver is None:
            return False
        self.leave(leaver)
        leaver.turn_out("others want the place")
        return True

    def enter(self, client: Client) -> bool:
        """A client takes a place; False when others were quicker."""
        if len(self._clients) >= self._most:
            return False
        self._clients.add(client)
        return True

    def leave(self, client: Client) -> None:
        """A client has gone.  Harmless for one that has no place."""
        self._clients.discard(client)

    def _too_quiet(self) -> Client | None:
        longest = _quietest(self._clients)
        quiet = longest is not None and time.monotonic() - longest.asked
        return longest if quiet and quiet >= self._patience.gives_way_s else None

    def _one_of_too_many(self, address: str) -> Client | None:
        """Of the address with most clients, if they are more than the newcomer's would be."""
        counts = Counter(client.address for client in self._clients)
        largest, count = counts.most_common(1)[0]
        if count <= counts[address] + 1:
            return None
        return _quietest(client for client in self._clients if client.address == largest)


def _quietest(clients: Iterable[Client]) -> Client | None:
    return min(clients, key=lambda client: client.asked, default=None)
