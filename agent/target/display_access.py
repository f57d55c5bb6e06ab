"""A private X server lets in one user: us, and nobody else from its first moment on.

It is started with an authority, a secret that nobody but us knows, so nobody can be faster
than we are.  We connect with it once, and admit all programs of this user, which the kernel
vouches for.  From then on the secret is of no use: no program needs XAUTHORITY, neither the
game nor ours, whichever displays else they look at.
"""

from __future__ import annotations

import os
import secrets
import socket
import struct
import sys

from nitropilot.agent.errors import LaunchFailed

COOKIE = b"MIT-MAGIC-COOKIE-1"
COOKIE_BYTES = 16
ANY_ADDRESS = 0xFFFF
SERVER_INTERPRETED = 5
CHANGE_HOSTS, GET_INPUT_FOCUS = 109, 43
ANSWER_TIMEOUT_S = 30.0


class Authority:
    """A secret, in a file without a name that an X server inherits.  Close it after that.

    Without a name there is nothing that another user could put into its place, and
    nothing that is left behind.
    """

    def __init__(self) -> None:
        self._cookie = secrets.token_bytes(COOKIE_BYTES)
        fields = (b"", b"", COOKIE, self._cookie)  # of any address and any display
        text = b"".join(struct.pack(">H", len(field)) + field for field in fields)
        self.fd = _file_in_memory(struct.pack(">H", ANY_ADDRESS) + text)

    @property
    def options(self) -> list[str]:
        """What the server is started with; ``fd`` must be open in it."""
        return ["-auth", f"/proc/self/fd/{self.fd}"]

    def close(self) -> None:
        """Let go of the file; the server keeps it."""
        os.close(self.fd)

    def admit_only_us(self, number: int) -> None:
        """Let all programs of this user, and no other user, connect to display ``number``.

        Raises:
            LaunchFailed: The server did not take it.
        """
        try:
            with _connect(number) as server:
                _set_up(server, self._cookie)
                _admit_user(server)
        except OSError as error:
            raise LaunchFailed(
                f"cannot close the private display :{number} to others: {error}",
                "try again; without --headless the game plays on your own display",
            ) from error


def _file_in_memory(content: bytes) -> int:
    if sys.platform == "linux":
        fd = os.memfd_create("nitropilot-authority")
        os.write(fd, content)
        return fd
    raise _linux_only()


def _connect(number: int) -> socket.socket:
    """A connection to an X server of this machine, by either of its two names."""
    if sys.platform == "linux":
        path = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - where all X servers listen
        server = socket.socket(socket.AF_UNIX)
        server.settimeout(ANSWER_TIMEOUT_S)
        try:
            try:
                server.connect(path)
            except OSError:
                server.connect(f"\0{path}")
        except OSError:
            server.close()
            raise
        return server
    raise _linux_only()


def _set_up(server: socket.socket, cookie: bytes) -> None:
    """The first words of every client (X11 protocol, chapter 8)."""
    order = ord("l" if sys.byteorder == "little" else "B")
    head = struct.pack("=BxHHHHxx", order, 11, 0, len(COOKIE), len(cookie))
    server.sendall(head + _padded(COOKIE) + _padded(cookie))
    accepted, _, _, _, words = struct.unpack("=BBHHH", _receive(server, 8))
    rest = _receive(server, 4 * words)
    if accepted != 1:
        raise OSError(f"it says {rest.rstrip(bytes(1)).decode(errors='replace').strip()!r}")


def _admit_user(server: socket.socket) -> None:
    """Put this user on the server's list of hosts, and see that it is there."""
    us = f"localuser\0#{_user()}".encode()
    body = struct.pack("=BxH", SERVER_INTERPRETED, len(us)) + _padded(us)
    insert = struct.pack("=BBH", CHANGE_HOSTS, 0, 1 + len(body) // 4) + body
    server.sendall(insert + struct.pack("=BxH", GET_INPUT_FOCUS, 1))
    answer = _receive(server, 32)  # to the second request, unless the first one failed
    if answer[0] != 1:
        raise OSError(f"it answered with error {answer[1]}")


def _receive(server: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        part = server.recv(size - len(got))
        if not part:
            raise OSError("it ended the connection")
        got += part
    return got


def _padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % 4)


def _user() -> int:
    if sys.platform == "linux":
        return os.geteuid()
    raise _linux_only()


def _linux_only() -> LaunchFailed:
    return LaunchFailed(
        f"cannot close the private display to others on {sys.platform!r}",
        "private displays are for Linux",
    )
