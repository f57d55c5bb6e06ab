"""A private display is private, from its first moment on, and open to all programs of ours."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nitropilot import capture
from nitropilot.agent.errors import LaunchFailed
from nitropilot.agent.target.display import PrivateDisplay
from nitropilot.agent.target.display_access import Authority
from tests.agent.playing import until
from tests.capture.xwindow import XWindow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Xvfb runs on Linux only"
)

STRANGER = """
import os, socket, struct, sys
os.setgroups([]), os.setgid(65534), os.setuid(65534)
print("ready", flush=True)
os.set_blocking(0, False)
while sys.stdin.buffer.read(1) is None:
    for number in map(int, sys.argv[1:]):
        for name in (f"/tmp/.X11-unix/X{number}", f"\\0/tmp/.X11-unix/X{number}"):
            with socket.socket(socket.AF_UNIX) as server:
                server.settimeout(1.0)  # other tests stop their displays
                try:
                    server.connect(name)
                    server.sendall(struct.pack("=BxHHHHxx", ord("l"), 11, 0, 0, 0))
                    answer = server.recv(8)
                except OSError:
                    continue
                if answer:
                    print(number, "in" if answer[0] == 1 else "out", flush=True)
"""
"""Another user, who tries the given displays as fast as it can until its input ends."""


@contextmanager
def stranger(log: Path, displays: Iterable[int]) -> Iterator[None]:
    """Another user tries these displays meanwhile, and writes down what became of it."""
    with log.open("w") as output, subprocess.Popen(
        [sys.executable, "-c", STRANGER, *map(str, displays)],
        stdin=subprocess.PIPE, stdout=output,
    ) as process:  # fmt: skip
        try:
            until(lambda: "ready" in log.read_text(), "another user")
            yield
        finally:
            process.kill()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs two users: root")
def test_no_other_user_is_ever_let_in(tmp_path: Path) -> None:
    """Who connects before a display is closed may stay, watch the game and type into it."""
    log = tmp_path / "stranger.log"
    for _ in range(3):
        with stranger(log, range(64)):  # any of them may be free by then, as others end
            display = PrivateDisplay.start((320, 240))
            try:
                seen = f"{display.name[1:]} "
                until(lambda seen=seen: _lines(log, seen), "a try")  # type: ignore[misc]
            finally:
                display.close()
        assert set(_lines(log, seen)) == {f"{seen}out"}


def _lines(log: Path, start: str) -> list[str]:
    return [line for line in log.read_text().split("\n")[:-1] if line.startswith(start)]


def test_programs_of_ours_need_no_secret(
    x_display: PrivateDisplay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grabbers are opened in threads and processes that know XAUTHORITY for another display,
    or what an earlier display of the same number has left in it."""
    host, number = socket.gethostname().encode(), x_display.name[1:].encode()
    fields = (host, number, b"MIT-MAGIC-COOKIE-1", b"an earlier cookie")
    left = tmp_path / "left"
    left.write_bytes(
        struct.pack(">H", 256) + b"".join(struct.pack(">H", len(f)) + f for f in fields)
    )
    with XWindow(x_display.name) as window, ThreadPoolExecutor() as pool:
        for authority in (left, tmp_path / "nothing"):
            monkeypatch.setenv("XAUTHORITY", str(authority))
            found = capture.find_window(handle=window.handle, display=x_display.name)
            with pool.submit(capture.open_grabber, found).result() as grabber:
                assert pool.submit(grabber.grab).result().pixels.shape == (150, 200, 3)
            code = f"import nitropilot as n; print(len(n.list_windows({x_display.name!r})))"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
            assert int(done.stdout) >= 1


def test_a_display_that_cannot_be_closed_is_not_used() -> None:
    """A server that went away at once, or does not answer, must be said in words."""
    authority = Authority()
    authority.close()
    with pytest.raises(LaunchFailed, match="cannot close the private display :4711") as failure:
        authority.admit_only_us(4711)
    assert "--headless" in failure.value.hint
