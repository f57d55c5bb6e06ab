"""``build``: compile a policy in a process of its own, whose memory is given back when it ends."""

from __future__ import annotations

import json
import logging
import subprocess
from typing import Any

from nitropilot.children import module_command, module_environment
from nitropilot.engines.errors import EngineError, EngineUnavailable, OutOfMemory, WrongResult
from nitropilot.policy.errors import CheckpointError, PolicyError

log = logging.getLogger("nitropilot.engines")

_ERRORS = (CheckpointError, PolicyError, EngineUnavailable, WrongResult, EngineError, OutOfMemory)
KINDS = {kind.__name__: kind for kind in _ERRORS}
"""What the compiler's process may raise here."""


def build(job: dict[str, Any]) -> dict[str, Any]:
    """Compile in a process of its own; returns what the cache entry says about itself.

    Raises:
        WrongResult: It is not what torch computes.
        OutOfMemory: The process was killed.
        PolicyError: The policy cannot be loaded.
    """
    log.warning("compiling %s for openvino in %s (once)", job["policy"], job["precision"])
    done = subprocess.run(
        module_command("nitropilot.engines.openvino.build"),
        input=json.dumps(job),
        capture_output=True,
        text=True,
        env=module_environment(),
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        if done.returncode == -9:
            raise OutOfMemory(
                "the system ended the compiler, most likely for want of memory",
                "close other programs, or use --engine torch",
            )
        said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise EngineError(
            f"the compiler ended with status {done.returncode}: {said[0]}", "use --engine torch"
        )
    answer = json.loads(lines[-1])
    if "error" in answer:
        error = answer["error"]
        raise KINDS.get(error["kind"], EngineError)(error["message"], error["hint"])
    about: dict[str, Any] = answer["about"]
    if "remark" in about:
        log.warning("%s", about["remark"])
    log.warning("compiled in %.0f s, error against float32 %.1e", about["seconds"], about["error"])
    return about
