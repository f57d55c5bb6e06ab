"""``build_apart``: build a plan in a process of its own.

Building takes several times the memory of running, torch and the checkpoint among it; all
of that is given back when the process ends, and a compiler that crashes takes no game down.

    python -m nitropilot.engines.tensorrt.apart    a JSON job on stdin, a JSON answer as last line
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

from nitropilot.children import module_command, module_environment
from nitropilot.engines.errors import EngineError, EngineUnavailable, OutOfMemory
from nitropilot.engines.tensorrt.build import build_plans
from nitropilot.errors import NitroPilotError
from nitropilot.policy.errors import CheckpointError, PolicyError

log = logging.getLogger("nitropilot.engines")

MODULE = "nitropilot.engines.tensorrt.apart"
KILLED = -9
KINDS = {
    kind.__name__: kind
    for kind in (CheckpointError, PolicyError, EngineUnavailable, OutOfMemory, EngineError)
}


def build_apart(policy: str, target: str, precision: str) -> None:
    """Build the plan of a policy into the cache: see ``build_plans``.

    Raises:
        EngineUnavailable: No library, no such target, or a card that cannot compute so.
        CheckpointError, PolicyError: The policy cannot be loaded.
        OutOfMemory: The system ended the process.
        EngineError: The library refuses the model, or crashed.
    """
    log.warning("compiling %s for %s in %s, once", policy, target, precision)
    done = subprocess.run(
        module_command(MODULE),
        input=json.dumps({"policy": policy, "targets": [target], "precision": precision}),
        env=module_environment(),
        capture_output=True,
        text=True,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        if done.returncode == KILLED:
            raise OutOfMemory(
                "the system ended the compiler, most likely for want of memory",
                "close other programs, or use --engine torch",
            )
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise EngineError(
            f"the compiler ended with status {done.returncode}: {said}", "use --engine torch"
        )
    answer: dict[str, Any] = json.loads(lines[-1])
    if "kind" in answer:
        raise KINDS.get(answer["kind"], EngineError)(answer["message"], answer["hint"])
    log.warning("compiled in %.0f s", answer["seconds"])


def main() -> None:
    """Build the job on stdin; the last line on stdout is the answer."""
    job = json.load(sys.stdin)
    try:
        (plan,) = build_plans(job["policy"], job["targets"], job["precision"])
        answer: dict[str, Any] = {"seconds": plan.seconds}
    except NitroPilotError as error:
        answer = {"kind": type(error).__name__, "message": str(error), "hint": error.hint}
    except (RuntimeError, MemoryError) as error:  # torch raises it for everything
        reason = (str(error).strip() or type(error).__name__).split("\n")[0]
        answer = {"kind": EngineError.__name__, "message": reason, "hint": ""}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
