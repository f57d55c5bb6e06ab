"""A private X server (Xvfb) for games on a machine without a screen."""

from __future__ import annotations

import os
import select
import subprocess
import time
from dataclasses import dataclass

from nitropilot.agent.cancelling import POLL_S, Cancellation
from nitropilot.agent.errors import LaunchFailed
from nitropilot.agent.target.display_access import Authority
from nitropilot.children import find_program
from nitropilot.controller.ledger.heal import remove_display
from nitropilot.controller.processes import DISPLAY_VARIABLE

START_TIMEOUT_S = 30.0
END_TIMEOUT_S = 5.0


@dataclass
class PrivateDisplay:
    """A running Xvfb; it outlives this process unless closed, so a game on it does too.

    Attributes:
        name: The X display, such as ``":3"``.
        size: Width and height of its one screen in pixels.
    """

    name: str
    size: tuple[int, int]
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls,
        size: tuple[int, int] = (1280, 720),
        cancelled: Cancellation | None = None,
        mark: str = "",
    ) -> PrivateDisplay:
        """Start Xvfb on a free display number.

        Args:
            size: Of its one screen in pixels.
            cancelled: Set from another thread when it is not wanted any more.
            mark: The launch that it is for.

        Raises:
            LaunchFailed: Xvfb is not installed or did not come up.
            NotPossibleNow: It was cancelled meanwhile.
        """
        program = find_program("Xvfb")
        if program is None:
            raise LaunchFailed(
                "no display, and Xvfb is not installed",
                "install it (Debian, Ubuntu: apt-get install xvfb) or set DISPLAY",
            )
        authority = Authority()
        read_end, write_end = os.pipe()
        try:
            process = subprocess.Popen(
                [program, *authority.options, "-displayfd", str(write_end),
                 "-screen", "0", f"{size[0]}x{size[1]}x24",
                 "+extension", "GLX", "-nolisten", "tcp", "-noreset"],
                pass_fds=[write_end, authority.fd], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, DISPLAY_VARIABLE: mark},
            )  # fmt: skip
        finally:
            os.close(write_end)
            authority.close()
        cancelled = cancelled or Cancellation()
        try:
            number = _read_number(read_end, process, cancelled)
            cancelled.until(lambda: authority.admit_only_us(number))
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            os.close(read_end)
        return cls(f":{number}", size, process)

    def close(self, patience: float = END_TIMEOUT_S) -> None:
        """Stop the server.  Safe to call twice.

        Args:
            patience: Seconds that it may take to end by itself, once it is asked to.
        """
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                remove_display(self.name[1:])


def _read_number(read_end: int, process: subprocess.Popen[bytes], cancelled: Cancellation) -> int:
    """The display number that Xvfb writes, in one line, once it accepts clients."""
    text = b""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not text.endswith(b"\n"):
        cancelled.check()
        ready, _, _ = select.select([read_end], [], [], POLL_S)
        part = os.read(read_end, 64) if ready else b""
        hint = "run `Xvfb -displayfd 1` to see why"
        if ready and not part:  # it has closed its end of the pipe, by ending
            raise LaunchFailed(f"Xvfb ended (exit status {process.wait()})", hint)
        if not part and time.monotonic() > deadline:
            raise LaunchFailed(f"Xvfb did not answer within {START_TIMEOUT_S:.0f} s", hint)
        text += part
    return int(text)
