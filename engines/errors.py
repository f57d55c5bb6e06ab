"""What can go wrong while a policy is prepared or run.

EngineError
├── EngineUnavailable    the engine, its library or its device is not here
│   └── WrongResult      it is here, and does not compute what the policy does
├── ServerGone           the policy server does not answer; it may come back
├── WireError            a message between client and policy server is not what it may be
└── InferenceFailed      a prepared engine could not produce a chunk
    └── OutOfMemory      for want of memory; another device may have it
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class EngineError(NitroPilotError):
    """Any failure of an engine."""

    code = "engine_failed"


class EngineUnavailable(EngineError):
    """The engine cannot be used on this machine; the message says why."""

    code = "engine_unavailable"


class WrongResult(EngineUnavailable):
    """The engine works and its actions are not the policy's: it must not be used.

    To users it is as an engine that is not here, and ``auto`` takes the next one; to whoever
    looks after the engines it is a fault of theirs.
    """


class ServerGone(EngineError):
    """The policy server does not answer; asking again later may help."""

    code = "server_gone"


class WireError(EngineError):
    """A message is not what the wire allows."""

    code = "bad_message"


class InferenceFailed(EngineError):
    """A chunk could not be computed."""

    code = "inference_failed"


class OutOfMemory(InferenceFailed):
    """The device's memory does not hold the policy, or what it needs to run."""

    code = "out_of_memory"
