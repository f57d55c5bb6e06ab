"""``RayWorkers``: videos are extracted as tasks on the machines of a Ray cluster."""

from __future__ import annotations

import logging
import math
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nitropilot.clusters import RayUnavailable
from nitropilot.dataset.errors import NotExtracted
from nitropilot.dataset.extracting.folder import SetFolder
from nitropilot.dataset.extracting.known import digest_of, stamp
from nitropilot.dataset.extracting.one import Extracted, Ways
from nitropilot.dataset.extracting.there import Asked, versions
from nitropilot.dataset.extracting.workers import Ended
from nitropilot.dataset.output.result import VideoResult
from nitropilot.dataset.output.samples import Sample
from nitropilot.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.dataset.extracting.options import Job, Options

log = logging.getLogger("nitropilot.dataset")

LOOK_S = 1.0
MACHINES = 10
"""How many machines may be lost under one video until it is laid to the video."""
NO_CORE = "no machine of the cluster has a core for Ray"


class RayWorkers:
    """See ``workers.Workers``.

    As many videos are begun as Ray has cores, and no more: what waits does so in the list of
    sources, and Ray's memory holds a few small answers however many there are.  Ray tries nothing
    again by itself.

    Args:
        ray: The package, connected (``clusters.joined``).
        folder: The data set, opened.
        options: Of it.
        jobs: Most videos at once; None: as many as there are cores.
        cards: Whether a network reads that is quicker on a graphics card: then each task has a
            share of one, where the cluster has any.
        ways: How controllers are found and read; None: as the options say.
    """

    here = False

    def __init__(
        self,
        ray: Any,
        folder: SetFolder,
        options: Options,
        jobs: int | None = None,
        *,
        cards: bool = False,
        ways: Ways | None = None,
    ) -> None:
        self._ray, self._options, self._jobs = ray, options, jobs
        self._mark = folder.marked(secrets.token_hex(16))
        self._own = digest_of(options)
        share = _card_share(ray.nodes()) if cards else 0.0
        self._task = ray.remote(num_cpus=1, num_gpus=share, max_retries=0, max_calls=0)(_task(ways))
        self._begun: dict[Any, tuple[Job, Path, Asked]] = {}
        self._lost: dict[str, int] = {}

    @property
    def at_once(self) -> int:
        """See ``Workers``."""
        cores = self._cores()
        return cores if self._jobs is None else min(cores, self._jobs)

    def _cores(self) -> int:
        """Of the cluster as it is now."""
        cores = int(self._ray.cluster_resources().get("CPU", 0))
        if cores < 1:
            raise RayUnavailable(
                NO_CORE,
                "begin one with `ray start --address=HOST:PORT` and without --num-cpus=0",
            )
        return cores

    def begin(self, job: Job, place: Path) -> None:
        """See ``Workers``.  Each try writes into a folder of its own, so that one whose driver is
        gone cannot write into that of another."""
        own = place.with_name(f"{place.name}~{secrets.token_hex(4)}")
        seen = stamp(Path(job.source))
        asked = Asked(job, self._options, str(own), self._mark, seen, self._own)
        promise = self._task.remote(__version__, versions(), asked.plain())
        self._begun[promise] = (job, place, asked)

    def ended(self) -> Ended:
        """See ``Workers``."""
        while True:
            while not (done := self._ray.wait(list(self._begun), timeout=LOOK_S)[0]):
                self._cores()  # raises once no machine is left
            job, place, asked = self._begun.pop(done[0])
            own = Path(asked.place)
            found = self._heard(done[0], job)
            if "result" in found:
                result = VideoResult.of(found["result"])
                if result.written:
                    shutil.rmtree(place, ignore_errors=True)
                    own.rename(place)
                return Ended(job, Extracted(result, [Sample.of(s) for s in found["samples"]]))
            shutil.rmtree(own, ignore_errors=True)
            if "full" in found:
                raise NotExtracted(found["full"]["message"], found["full"]["hint"])
            if "wrong" in found and stamp(Path(job.source)) == asked.stamp:
                message = f"{found['where']} {found['wrong']['message']}"
                raise RayUnavailable(message, found["wrong"]["hint"])
            if "wrong" in found:
                return Ended(job, None, "its file is not there, or changes")
            if "machine" not in found:
                return Ended(job, None, found.get("error", ""))
            self.begin(job, place)

    def stop(self) -> None:
        """See ``Workers``."""
        for promise in self._begun:
            with suppress(Exception):
                self._ray.cancel(promise, force=True)
        self._begun.clear()

    def _heard(self, promise: Any, job: Job) -> dict[str, Any]:
        """What a task answers: as ``there.handle``, and ``{"machine": True}`` where its machine is
        lost, ``{}`` where only its process is."""
        errors = self._ray.exceptions
        try:
            found: dict[str, Any] = self._ray.get(promise)
        except errors.RayTaskError:
            raise  # a fault of our own there
        except errors.NodeDiedError:
            count = self._lost[job.video_id] = self._lost.get(job.video_id, 0) + 1
            log.warning("a machine was lost while it read %s", job.source)
            return {"machine": True} if count < MACHINES else {}
        except errors.WorkerCrashedError:
            log.warning("the process that read %s is gone", job.source)
            return {}
        except errors.RayError as error:
            said = " ".join(str(error).split())[:300]
            return {"error": f"{type(error).__name__}: {said}"}
        if "error" in found:
            log.warning("%s could not be handled: %s", job.source, found["error"])
        return found


def _card_share(nodes: list[dict[str, Any]]) -> float:
    """What each task has of the graphics cards, so that all cores of the machines with some have
    theirs; 0 where there is none.  Ray counts in ten-thousandths."""
    has = [each["Resources"] for each in nodes if each["Alive"]]
    shares = [
        one["GPU"] / one["CPU"] for one in has if one.get("GPU", 0) >= 1 and one.get("CPU", 0) >= 1
    ]
    return min(math.floor(1e4 * min(shares)) / 1e4, 1.0) if shares else 0.0


def _task(ways: Ways | None) -> Callable[[str, dict[str, str], Any], dict[str, Any]]:
    """What is run on each machine.  It is nested, and so it goes there as a value: a machine
    without our package, or with another one, can run it too."""

    def extract_there(ours: str, packages: dict[str, str], asked: Any) -> dict[str, Any]:
        import socket

        import ray

        util: Any = ray.util
        where = f"{util.get_node_ip_address()} ({socket.gethostname()})"
        try:
            from nitropilot.version import __version__ as found

            has = {"nitropilot": found}
            if found == ours:
                from nitropilot.dataset.extracting.there import Asked, handle, versions

                has |= versions()
        except ImportError as error:
            has = {"nitropilot": f"none ({error})"}
        for name, version in {"nitropilot": ours, **packages}.items():
            if has.get(name) != version:
                said = f"has {name} {has.get(name, 'none')}, and this machine has {version}"
                fix = f"install the same on both, such as with `pip install {name}=={version}`"
                return {"where": where, "wrong": {"message": said, "hint": fix}}
        return {"where": where, **handle(Asked.of(asked), ways)}

    return extract_there
