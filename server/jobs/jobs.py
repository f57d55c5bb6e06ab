"""``Jobs``: long work beside the play, each in a process of its own, so that it can be ended.

A job's process ends with the daemon's, whatever ends that.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from nitropilot.children import module_command, module_environment
from nitropilot.server.errors import JobNotFound, JobRefused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nitropilot.server.jobs.job_kinds import JobWish

log = logging.getLogger("nitropilot.jobs")

MAX_RUNNING = 2
MAX_REMEMBERED = 50
END_S = 5.0
"""How long a cancelled process may take before it is killed."""
RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
LOOK_EVERY_S = 0.1
BEAT_S = 5.0
"""A stream of progress says something at least so often."""


@dataclass(frozen=True)
class JobState:
    """A job at one moment.

    Attributes:
        state: ``running``, ``done``, ``failed`` or ``cancelled``.
        step: What is being done.
        fraction: How much of all is done, from 0 to 1.
        result: What came of it.
        error: Code, message and hint of what went wrong.
        ended: When.
    """

    state: str = RUNNING
    step: str = "beginning"
    fraction: float = 0.0
    result: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    ended: datetime | None = None


@dataclass
class Job:
    """One job.

    Attributes:
        request: What was asked for.
        models: Where checkpoints go.
        recordings: Where all recordings are.
        id: Short random name.
        created: When.
        now: How it goes.
    """

    request: JobWish
    models: Path
    recordings: Path
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    now: JobState = field(default_factory=JobState)
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)
    process: subprocess.Popen[str] | None = None
    cancelled: bool = False

    def become(self, **values: Any) -> None:
        """Change how it goes, and wake who watches."""
        with self.changed:
            self.now = JobState(**{**vars(self.now), **values})
            self.changed.notify_all()

    async def watch(self) -> AsyncIterator[JobState]:
        """Every state from now on, at least one in ``BEAT_S``, up to the last."""
        while True:
            seen = self.now
            yield seen
            if seen.state != RUNNING:
                return
            waited = 0.0
            while self.now is seen and waited < BEAT_S:
                await asyncio.sleep(LOOK_EVERY_S)
                waited += LOOK_EVERY_S


class Jobs:
    """Begins, finds and ends jobs.  Thread-safe."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self, request: JobWish, models: Path, recordings: Path) -> Job:
        """Begin a job.

        Args:
            request: What to do.
            models: Where checkpoints go.
            recordings: Where all recordings are.

        Raises:
            JobRefused: The same is being done, or as many as may run do.
        """
        job = Job(request, models, recordings)
        with self._lock:
            running = [other for other in self._jobs.values() if other.now.state == RUNNING]
            for other in running:
                if other.request == request:
                    raise JobRefused(f"job {other.id} does just that", "wait for it, or cancel it")
            if len(running) >= MAX_RUNNING:
                raise JobRefused(f"{MAX_RUNNING} jobs are running", "wait for one, or cancel it")
            job.process = subprocess.Popen(
                module_command("nitropilot.server.jobs.job_child"),
                text=True, encoding="utf-8", env=module_environment(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            self._jobs[job.id] = job
            self._forget_old()
        threading.Thread(target=self._follow, args=(job,), name="nitropilot-job").start()
        return job

    def get(self, job_id: str) -> Job:
        """The job with that id.

        Raises:
            JobNotFound: There is none.
        """
        with self._lock:
            job = self._jobs.get(job_id)
        if job is None:
            raise JobNotFound(f"there is no job {job_id[:80]!r}", "list them with GET /api/v1/jobs")
        return job

    def all(self) -> list[Job]:
        """All jobs, the oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def cancel(self, job_id: str) -> Job:
        """End a job; its process is gone when this returns.  No effect on one that has ended.

        Raises:
            JobNotFound: There is none with that id.
        """
        job = self.get(job_id)
        if job.now.state == RUNNING:
            job.cancelled = True
            _end(job)
            with job.changed:
                job.changed.wait_for(lambda: job.now.state != RUNNING)
        return job

    def close(self) -> None:
        """End all jobs."""
        for job in self.all():
            self.cancel(job.id)

    def _follow(self, job: Job) -> None:
        """Read what a job's process says, to its end."""
        process = job.process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        end: dict[str, Any] = {}
        try:
            order = {
                "request": job.request.model_dump(mode="json"), "models": str(job.models),
                "recordings": str(job.recordings),
            }  # fmt: skip
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                said = json.loads(line)
                if said.pop("type") == "progress":
                    job.become(**said)
                else:
                    end = said
        except (OSError, ValueError, TypeError) as error:
            log.warning("job %s: %s", job.id, error)
            _end(job)
        status = process.wait()
        process.stdout.close()
        with suppress(OSError):  # it was gone before it had read
            process.stdin.close()
        _conclude(job, end, status)

    def _forget_old(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.now.state != RUNNING]
        for job_id in ended[:-MAX_REMEMBERED]:
            del self._jobs[job_id]


def _conclude(job: Job, end: dict[str, Any], status: int) -> None:
    ended = datetime.now(UTC)
    if "result" in end:
        job.become(state=DONE, fraction=1.0, result=end["result"], ended=ended)
    elif job.cancelled:
        job.become(state=CANCELLED, ended=ended)
    else:
        gone = {
            "code": "unexpected", "message": f"the job's process ended with status {status}",
            "hint": "the daemon's log says more",
        }  # fmt: skip
        job.become(state=FAILED, error=end or gone, ended=ended)
        log.warning("job %s failed: %s", job.id, (end or gone)["message"])


def _end(job: Job) -> None:
    """End a job's process and all that it started."""
    assert job.process is not None
    try:
        parent = psutil.Process(job.process.pid)
        doomed = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    for process in doomed:
        _attempt(process.terminate)
    _, left = psutil.wait_procs([p for p in doomed if p != parent], END_S)
    try:
        job.process.wait(END_S)
    except subprocess.TimeoutExpired:
        left.append(parent)
    for process in left:
        _attempt(process.kill)


def _attempt(act: Any) -> None:
    with suppress(psutil.NoSuchProcess):
        act()
