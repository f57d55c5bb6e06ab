"""The policy server: many clients, one policy, on the openpi WebSocket wire.

    admission    who may come in: Host, Origin, token
    connection   one client: requests in, answers out, in order
    messages     what is read of a request, and what is answered
    batcher      one thread that owns the engine and computes requests together
    room         which clients have a place, and who gives way
    service      the parts put together, from a listening socket to a signal

docs/policy-server.md describes the wire for those who write clients.
"""

from nitropilot.server.policy_server.service import ServiceOptions, run_service

__all__ = ["ServiceOptions", "run_service"]
