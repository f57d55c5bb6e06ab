"""Close a private X server to other users of the machine.

A server started without an authority file lets every local user in, who could then
watch the game and type into it.
"""

from __future__ import annotations

import os

from Xlib import X
from Xlib.display import Display
from Xlib.error import DisplayError, XError
from Xlib.protocol import rq

from nitropilot.agent.errors import LaunchFailed

SERVER_INTERPRETED, LOCAL_HOST = 5, 252
CHANGE_HOSTS = 109


class _ChangeHosts(rq.Request):  # type: ignore[misc]
    """The core request; python-xlib's own does not know the family of local users."""

    _request = rq.Struct(
        rq.Opcode(CHANGE_HOSTS),
        rq.Card8("mode"),
        rq.RequestLength(),
        rq.Card8("host_family"),
        rq.Pad(1),
        rq.LengthOf("host", 2),
        rq.List("host", rq.Card8Obj),
    )


def admit_only_us(name: str) -> None:
    """Let only the current user connect to the display ``name``.

    Raises:
        LaunchFailed: The server did not take it.
    """
    if not hasattr(os, "getuid"):
        return
    ours = f"localuser\0#{os.getuid()}".encode()
    try:
        display = Display(name)
        try:
            for mode, family, host in (
                (X.HostInsert, SERVER_INTERPRETED, ours),
                (X.HostDelete, LOCAL_HOST, b""),
            ):
                _ChangeHosts(
                    display=display.display, onerror=None,
                    mode=mode, host_family=family, host=list(host),
                )  # fmt: skip
            display.sync()
        finally:
            display.close()
    except (DisplayError, XError, OSError) as error:
        raise LaunchFailed(
            f"cannot close the private display {name} to others: {error}",
            "try again; without --headless the game plays on your own display",
        ) from error
