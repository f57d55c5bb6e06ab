"""What can go wrong around the daemon and the command line.

ServerError
├── PortInUse            another program listens there
├── HostRefused          not a loopback address
├── TokenFileError       the token cannot be read, written or kept private
├── SessionNotFound      no such session
├── NoPolicy             nothing to infer with
└── ImageInvalid         a body that is not an acceptable picture
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class ServerError(NitroPilotError):
    """Any failure of the daemon itself."""

    code = "server_failed"


class PortInUse(ServerError):
    """The port is taken."""

    code = "port_in_use"


class HostRefused(ServerError):
    """The daemon only listens on loopback."""

    code = "host_refused"


class TokenFileError(ServerError):
    """The token's file is unusable."""

    code = "token_file"


class SessionNotFound(ServerError):
    """There is no session with that id."""

    code = "session_not_found"


class NoPolicy(ServerError):
    """No policy was named."""

    code = "no_policy"


class ImageInvalid(ServerError):
    """The body is not a picture that can be used."""

    code = "image_invalid"
