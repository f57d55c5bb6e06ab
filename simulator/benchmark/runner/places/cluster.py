"""``Cluster``: the machines of a Ray cluster as the places of a run.

Each has as many seats as it has cores for Ray, or one where an episode needs the machine for
itself.  All are looked at before anything is played: one that would play something else than this
machine does is said, and never left out in silence.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

from nitropilot.clusters import RayUnavailable, joined
from nitropilot.simulator.benchmark.runner.places.far import FarPlace, pinned
from nitropilot.simulator.benchmark.runner.wishes import versions
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.simulator.benchmark.runner.wishes import Wish

LOOK_S = 600.0
"""For a machine to say what it has."""


class Node(NamedTuple):
    """A machine of the cluster.

    Attributes:
        id: Ray's.
        where: Its address and name, for whoever runs the cluster; records do not have it.
        cores, cards: That Ray may use there.
    """

    id: str
    where: str
    cores: int
    cards: float


@contextmanager
def ray_places(address: str, wish: Wish) -> Iterator[Cluster]:
    """The machines of a cluster, for one run.

    Args:
        address: ``HOST:PORT`` of its head, or ``local``.
        wish: What is to be played.

    Raises:
        RayUnavailable: There is none, or a machine of it cannot play the same as this one.
    """
    with joined(address) as ray:
        yield Cluster(ray, wish)


class Cluster:
    """See ``places.place.Places``.

    Args:
        ray: The package, connected.
        wish: What is to be played.

    Attributes:
        nodes: Its machines.
        at_once: How many episodes at a time.

    Raises:
        RayUnavailable: A machine of it cannot play the same as this one, or none can play.
    """

    def __init__(self, ray: Any, wish: Wish) -> None:
        self._ray, self._wish = ray, wish
        self.nodes = [
            _node(each) for each in ray.nodes()
            if each["Alive"] and each["Resources"].get("CPU", 0) >= 1
        ]  # fmt: skip
        if not self.nodes:
            raise RayUnavailable(
                "no machine of the cluster has a core for Ray",
                "begin one with `ray start --address=HOST:PORT` and without --num-cpus=0",
            )
        self._look()
        seats = {node: 1 if wish.alone else node.cores for node in self.nodes}
        total = sum(seats.values())
        self.at_once = total if wish.jobs is None else min(total, wish.jobs)
        turns = range(max(seats.values()))
        self._next = cycle([node for turn in turns for node in self.nodes if turn < seats[node]])
        self._share = {node: _card_share(node.cards, seats[node]) for node in self.nodes}

    def place(self) -> FarPlace:
        """One more: on each machine in turn."""
        node = next(self._next)
        return FarPlace(self._ray, node.id, node.where, self._share[node], self._wish)

    def _look(self) -> None:
        """Raises ``RayUnavailable`` unless every machine would play the same as this one."""
        window = self._wish.window
        tasks = [(task.suite, task.task, window) for task in self._wish.tasks]
        looker = self._ray.remote(_looker())
        asked = {
            node: looker.options(num_cpus=0, max_retries=0, **pinned(self._ray, node.id)).remote(
                __version__, tasks
            )
            for node in self.nodes
        }
        here = {"nitropilot": __version__, **versions()}
        for node, promise in asked.items():
            try:
                found = self._ray.get(promise, timeout=LOOK_S)
            except self._ray.exceptions.RayError as error:
                said = " ".join(str(error).split())[-300:]
                raise RayUnavailable(
                    f"{node.where} does not say what it has: {said}",
                    "see to it, or take it out of the cluster with `ray stop`",
                ) from error
            _require_same(node.where, here, found)


def _card_share(cards: float, seats: int) -> float:
    """What each of so many seats has of the graphics cards, so that all find room.

    A seat is on one card, and Ray counts in ten-thousandths: rounded up, the last would find none.
    """
    if cards < 1:
        return 0.0
    a_card = math.ceil(seats / int(cards))
    return math.floor(1e4 / a_card) / 1e4


def _node(row: dict[str, Any]) -> Node:
    """One row of ``ray.nodes()``."""
    has = row["Resources"]
    where = f"{row['NodeManagerAddress']} ({row['NodeManagerHostname']})"
    return Node(row["NodeID"], where, int(has["CPU"]), float(has.get("GPU", 0)))


def _require_same(where: str, here: dict[str, str], found: dict[str, Any]) -> None:
    there = found["versions"]
    for name, version in here.items():
        if there.get(name) != version:
            has = there.get(name, "none")
            raise RayUnavailable(
                f"{where} has {name} {has}, and this machine has {version}",
                f"install the same on both, such as with `pip install {name}=={version}`",
            )
        if len(there) == 1:
            return
    for line in found["missing"]:
        raise RayUnavailable(f"{where} cannot play: {line}", "install it there, or leave it out")


def _looker() -> Callable[[str, Any], dict[str, Any]]:
    """What is run on each machine.  It is nested, and so it goes there as a value: a machine
    without our package, or with another one, can run it too."""

    def look_there(version: str, tasks: Any) -> dict[str, Any]:
        try:
            from nitropilot.version import __version__ as found
        except ImportError:
            return {"versions": {"nitropilot": "none"}}
        if found != version:
            return {"versions": {"nitropilot": found}}
        from nitropilot.simulator.benchmark.runner.places.seat import look

        return look(tasks)

    return look_there
