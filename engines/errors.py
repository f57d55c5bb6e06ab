"""What can go wrong while a policy is prepared or run.

EngineError
├── EngineUnavailable    the engine, its library or its device is not here
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
