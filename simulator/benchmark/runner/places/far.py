"""``FarPlace``: a seat on another machine, as a run sees it.  Nothing here waits without an end."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.simulator.benchmark.policies.card import Card
from nitropilot.simulator.benchmark.policies.errors import EntryError
from nitropilot.simulator.benchmark.results.files import write_whole
from nitropilot.simulator.benchmark.runner.errors import PlaceLost, RunFailed
from nitropilot.simulator.benchmark.runner.places.seat import THREADS, Seat
from nitropilot.simulator.benchmark.runner.referee import END_S, Stopped

if TYPE_CHECKING:
    from nitropilot.simulator.benchmark.policies.naming import Entry
    from nitropilot.simulator.benchmark.runner.episode import Job
    from nitropilot.simulator.benchmark.runner.wishes import Wish

log = logging.getLogger("nitropilot.benchmark")

LOOK_S = 0.2
ROOM_S = 30.0
"""How long a machine may have no core free before that is said."""


def pinned(ray: Any, node: str) -> dict[str, Any]:
    """Options of Ray's: on this machine and no other."""
    way = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
    return {"scheduling_strategy": way}


class FarPlace:
    """See ``places.place.Place``.

    Args:
        ray: The package, connected.
        node: Ray's id of the machine.
        where: Its address and name, for people.
        card: How much of a graphics card a seat there has.
        wish: What is to be played.
    """

    def __init__(self, ray: Any, node: str, where: str, card: float, wish: Wish) -> None:
        self._ray, self._node, self._where, self._card = ray, node, where, card
        self._wish = wish
        self._seat: Any = None
        self._playing: Any = None
        self._stopped = False
        self.machine = ""

    def open(self) -> None:
        """Take a seat, unless it is there; waits until the machine has a core for it."""
        if self._seat is not None:
            return
        if not any(each["Alive"] for each in self._ray.nodes() if each["NodeID"] == self._node):
            raise PlaceLost(f"{self._where} is lost", "start it again")
        seat = self._ray.remote(Seat).options(
            num_cpus=1, num_gpus=self._card, max_concurrency=2, **pinned(self._ray, self._node)
        )
        self._seat = seat.remote(self._wish.means, self._wish.patience, os.environ.get(THREADS))
        self.machine = self._heard(self._seat.machine.remote(), ROOM_S)

    def enter(self, entry: Entry) -> Card:
        """Load a policy there; what it says of itself.

        Raises:
            EntryError: It cannot be loaded.
        """
        found = self._heard(self._seat.enter.remote(_absolute(entry)))
        if "error" in found:
            raise EntryError(found["error"]["message"], found["error"]["hint"])
        return Card.read(found["card"])

    def play(self, job: Job, entry: Entry) -> tuple[dict[str, Any], Any]:
        """Play an episode there; its video is written here.

        Raises:
            RunFailed: That machine failed, or has another policy of that name.
            PlaceLost: It is gone.
            Stopped: ``stop`` was called.
        """
        self._playing = self._seat.play.remote(job, _absolute(entry))
        found = self._heard(self._playing)
        self._playing = None
        if "error" in found:
            message = f"{self._where}: {found['error']['message']}"
            raise RunFailed(message, found["error"]["hint"])
        if found["video"]:
            path = Path(job.video)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, lambda file: file.write(found["video"]))
        return found["done"], found["trace"]

    def stop(self) -> None:
        """Have ``open`` and ``play`` raise ``Stopped``.  From any thread."""
        self._stopped = True

    def close(self) -> None:
        """End what is played there, and give the seat back."""
        seat, self._seat = self._seat, None
        if seat is None:
            return
        with suppress(self._ray.exceptions.RayError):
            if self._playing is not None:
                seat.stop.remote()
                self._ray.wait([self._playing], timeout=2 * END_S)
            self._ray.wait([seat.close.remote()], timeout=END_S)
        self._end(seat)

    def _heard(self, promise: Any, room: float | None = None) -> Any:
        """What a seat answers.

        Args:
            promise: Ray's reference to it.
            room: Seconds after which it is said that the machine has no room; None: never.
        """
        late = None if room is None else time.monotonic() + room
        try:
            while not self._ray.wait([promise], timeout=LOOK_S)[0]:
                if self._stopped:
                    raise Stopped
                if late is not None and time.monotonic() > late:
                    late = None
                    log.warning("%s has no core free: waiting for one", self._where)
            found = self._ray.get(promise)
        except self._ray.exceptions.RayTaskError:
            raise  # a fault of our own there
        except self._ray.exceptions.RayError as error:
            seat, self._seat, self._playing = self._seat, None, None
            self._end(seat)
            said = " ".join(str(error).split())[:300]
            raise PlaceLost(f"{self._where} is lost: {said}", "start it again") from error
        if isinstance(found, dict) and "stopped" in found:
            raise Stopped
        return found

    def _end(self, seat: Any) -> None:
        """Have Ray end its process; what that has started ends by itself."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.kill(seat)


def _absolute(entry: Entry) -> Entry:
    """An entry whose file is found from any folder."""
    place = Path(entry.place)
    return replace(entry, place=str(place.absolute())) if place.exists() else entry
