"""What processes of a benchmark say to each other: msgpack with arrays, in frames, over pipes.

A frame is its length, 4 bytes with the lowest first, and a map in the form of
``engines.remote.wire``, which believes nothing of what it reads: a policy's process runs whatever
somebody entered.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from nitropilot.engines.errors import WireError
from nitropilot.engines.remote.wire import MIB, Limits, pack, unpack

if TYPE_CHECKING:
    from typing import BinaryIO

LIMITS = Limits(size=64 * MIB, items=100_000, depth=16, text=MIB)
_LENGTH = struct.Struct("<I")


def send(pipe: BinaryIO, message: dict[str, Any]) -> None:
    """Write a frame.

    Raises:
        OSError: Nobody reads it any more.
        WireError: It holds something that the wire has no form for.
    """
    data = pack(message)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def receive(pipe: BinaryIO) -> dict[str, Any] | None:
    """Read a frame; None at the end.

    Raises:
        WireError: It is no message.
    """
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > LIMITS.size:
        raise WireError(f"a message of {length} bytes", f"at most {LIMITS.size}")
    data = pipe.read(length)
    if len(data) < length:
        return None
    message = unpack(data, LIMITS)
    if not isinstance(message, dict):
        raise WireError(f"a message is a {type(message).__name__}, not a map")
    return message
