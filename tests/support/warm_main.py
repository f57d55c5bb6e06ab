"""The warm process itself: imports what the command line imports, then forks at each request.

A child goes on as ``python -m nitropilot`` would, with the request's arguments, environment,
folder and standard streams.  See ``tests.support.warm``.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from typing import Any

REQUEST_SIZE = 1 << 17


def preload() -> None:
    """Import what most commands and every daemon that plays import; no library is set to work."""
    import av  # noqa: F401
    import torch  # noqa: F401
    import uvicorn  # noqa: F401

    import nitropilot.agent.session.session
    import nitropilot.server.cli.main
    import nitropilot.server.daemon.starting
    import nitropilot.server.sessions.operating  # noqa: F401

    gc.collect()
    gc.freeze()  # so that the children's collectors leave the shared pages alone


def serve(control: socket.socket) -> dict[str, Any] | None:
    """Fork until the tests close their end.

    Returns:
        In a child its request; in the process itself, at its end, None.
    """
    watched = selectors.DefaultSelector()
    watched.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select():
            if key.fileobj is not control:
                _report(watched, key)
                continue
            message, fds, _, _ = socket.recv_fds(control, REQUEST_SIZE, 4)
            if not message:
                return None
            child = os.fork()
            if child == 0:
                for other in list(watched.get_map().values()):
                    if other.fileobj is not control:  # of the children before this one
                        os.close(other.fd)
                        os.close(other.data[1])
                watched.close()
                control.close()
                os.close(fds[3])
                for target, fd in enumerate(fds[:3]):
                    os.dup2(fd, target)
                    os.close(fd)
                request: dict[str, Any] = json.loads(message)
                return request
            for fd in fds[:3]:
                os.close(fd)
            os.write(fds[3], f"{child}\n".encode())
            watched.register(os.pidfd_open(child), selectors.EVENT_READ, (child, fds[3]))


def _report(watched: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Tell the tests how a child has ended."""
    child, to_tests = key.data
    _, status = os.waitpid(child, 0)
    watched.unregister(key.fileobj)
    os.close(key.fd)
    with suppress(BrokenPipeError):  # where nobody wants to know any more
        os.write(to_tests, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os.close(to_tests)


def main() -> None:
    """Serve, and be the command in every child."""
    # Ctrl-C in a terminal reaches the whole group, and the tests still have to clean up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    preload()
    request = serve(control)
    if request is None:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What these remember of the warm process's own, whether one can seek in them, say, is not so.
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv[1:] = request["arguments"]
    # As where the command was installed: nothing of the folder it is started in is imported.
    sys.path[:] = [place for place in sys.path if place != request["folder"]]
    runpy.run_module("nitropilot", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
