"""``python -m nitropilot.server.jobs.job_child``: do one job in a process of its own.

The job comes as one JSON line on stdin; what happens goes to stdout as JSON lines of ``type``
``progress`` (step, fraction), then ``result`` or ``error``.  When stdin ends, whoever wanted the
job is gone, and so is this process.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from nitropilot.errors import NitroPilotError
from nitropilot.server.host.streams import guard_stderr
from nitropilot.server.jobs.job_kinds import (
    ImproveRequest,
    JobWish,
    PullRequest,
    parse_request,
)


def main() -> int:
    """Do the job."""
    order = json.loads(sys.stdin.readline())
    request = parse_request(order["request"])
    threading.Thread(target=_leave_with_the_daemon, daemon=True).start()
    lock = threading.Lock()

    def say(kind: str, **values: Any) -> None:
        with lock:
            line = json.dumps({"type": kind, **values}, default=str)
            sys.__stdout__.write(line + "\n")  # type: ignore[union-attr]
            sys.__stdout__.flush()  # type: ignore[union-attr]

    def tell(step: str, fraction: float) -> None:
        say("progress", step=step, fraction=round(min(max(fraction, 0.0), 1.0), 4))

    guard_stderr()
    sys.stdout = sys.stderr  # what a library prints is no message
    try:
        places = Path(order["models"]), Path(order["recordings"])
        say("result", result=_do(request, *places, tell))
    except NitroPilotError as error:
        say("error", code=error.code, message=str(error), hint=error.hint)
        return 1
    return 0


def _do(request: JobWish, models: Path, recordings: Path, tell: Any) -> dict[str, Any]:
    if isinstance(request, PullRequest):
        from nitropilot.server.jobs.pulling import pull

        return pull(request.name, models, tell)
    if isinstance(request, ImproveRequest):
        from nitropilot.server.jobs.improve_job import improve_job

        return improve_job(request, models, recordings, tell)
    from nitropilot.server.jobs.building import BUILDERS, Order

    order = Order(request.policy, request.precision, request.device, tuple(request.targets))
    return {"built": BUILDERS[request.engine](order, tell)}


def _leave_with_the_daemon() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
