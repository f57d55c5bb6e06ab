"""``Measured``: the parent's end of a process of ``engines.measure.bench_child``."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any

from nitropilot.children import module_command, module_environment
from nitropilot.engines.errors import EngineError, OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

KILLED = -9


class Measured:
    """A process that is measured.  Use it as a context manager: leaving ends the process.

    Args:
        job: What it runs; see ``engines.measure.bench_child``.
        environment: Variables that differ from this process's own.

    Attributes:
        loaded: What it said when it was ready.
        ready_s: Seconds from its start until then.
    """

    def __init__(self, job: Mapping[str, Any], environment: Mapping[str, str] | None = None):
        self._name = job["engine"]
        self._complaints = tempfile.TemporaryFile(  # noqa: SIM115 - closed by ``close``
            "w+", encoding="utf-8", errors="replace"
        )
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            module_command("nitropilot.engines.measure.bench_child"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            encoding="utf-8",
            env={**module_environment(), **(environment or {})},
        )
        try:
            self._tell(json.dumps(job))
            self.loaded = self._hear("loaded")
        except BaseException:
            self.close()
            raise
        self.ready_s = self.age_s

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.perf_counter() - self._began

    def ask(self, word: str) -> dict[str, Any]:
        """Tell it a word and wait for its answer.

        Raises:
            EngineError: It failed, or ended.
        """
        self._tell(word)
        return self._hear(word)

    def close(self) -> None:
        """End the process, however far it is."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except OSError:  # what it was not told any more
                    continue
        self._process.kill()
        self._process.wait()
        self._complaints.close()

    def __enter__(self) -> Measured:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None

    def _hear(self, event: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        said: dict[str, Any] = json.loads(line)
        if said.pop("event") != event:
            kind = OutOfMemory if said["kind"] == OutOfMemory.code else EngineError
            raise kind(said["message"], said["hint"])
        return said

    def _ended(self) -> EngineError:
        """What to raise about a process that is no more."""
        status = self._process.wait()
        self._complaints.seek(0)
        lines = self._complaints.read().strip().splitlines() or ["it said nothing"]
        if status == KILLED:
            return OutOfMemory(
                f"the process that measures {self._name} was killed",
                "most likely for want of memory: close other programs",
            )
        return EngineError(
            f"the process that measures {self._name} ended with status {status}: {lines[-1]}"
        )
