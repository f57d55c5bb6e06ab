"""How this process joins a Ray cluster, or begins one of this machine alone, and leaves it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import warnings
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from nitropilot.errors import NitroPilotError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = "local"
LOOPBACK = "127.0.0.1"
ANSWER_S = 10.0
"""For the head of a cluster to take a connection."""
USAGE = "RAY_USAGE_STATS_ENABLED"
"""Whether Ray tells its makers that it runs: it does not."""
STORE = 256 * 2**20
"""Bytes of shared memory for what comes back from its processes."""
ALONE = {
    "RAY_AUTH_MODE": "token",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # its own address is the loopback one
    "RAY_worker_niceness": "0",  # what it does is as urgent as it is without Ray
    "RAY_enable_worker_prestart": "0",  # no process that nobody has asked for
    "RAY_prestart_worker_first_driver": "0",
}
"""Of a cluster that is for this machine alone."""
TRIES = 3
"""How often to start it: Ray gives its own processes half a minute, which is short on a machine
that is busy, and less so once its files have been read."""
MOST_SAID = 300
"""Characters of what Ray says that are told on."""
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s:/\[\]]+):(\d{1,5})")


class RayUnavailable(NitroPilotError):
    """There is no Ray, no cluster, or one that would not do the same as this machine."""

    code = "ray_unavailable"


@contextmanager
def joined(address: str) -> Iterator[Any]:
    """Ray, connected.

    Args:
        address: ``HOST:PORT`` of a cluster's head, or ``local``: a cluster of this machine alone,
            which listens to this machine alone, asks for a secret of ours, and ends with this.

    Raises:
        RayUnavailable: It cannot be.
    """
    local = address == LOCAL
    if not local:
        _answers(address)
    os.environ[USAGE] = "0"
    folder = tempfile.mkdtemp(prefix="nitropilot-ray-")
    try:
        with _alone() if local else contextlib.nullcontext():
            ray = _imported()
            _begin(ray, address, folder)
            try:
                yield ray
            finally:
                ray.shutdown()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cores() -> int:
    """Those of this machine that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise RayUnavailable("Ray is not installed", "pip install 'nitropilot[scale]'") from error
    return ray


def _begin(ray: Any, address: str, folder: str) -> None:
    """Connect.

    Args:
        ray: The package.
        address: See ``joined``.
        folder: An empty one of ours.
    """
    options: dict[str, Any] = {"address": address}
    if address == LOCAL:
        options |= {
            "_node_ip_address": LOOPBACK, "include_dashboard": False, "_temp_dir": folder,
            "num_cpus": _cores(), "object_store_memory": STORE,
        }  # fmt: skip
    for left in reversed(range(TRIES if address == LOCAL else 1)):
        try:
            with _handlers_kept(), contextlib.chdir(folder), warnings.catch_warnings():
                # Ray has its processes import from the current folder: an empty one here.
                warnings.simplefilter("ignore")
                ray.init(**options, log_to_driver=False, configure_logging=False)
            return
        except BaseException as error:
            with suppress(Exception):
                ray.shutdown()
            if not isinstance(error, Exception):
                raise
            if not left:
                raise _unavailable(address, error) from error


@contextmanager
def _alone() -> Iterator[None]:
    """Have Ray's processes listen to this machine alone, and let nobody in but this process.  Ray
    looks for all of it when it is imported.

    Raises:
        RayUnavailable: It has been.
    """
    if sys.modules.get("ray") is not None:
        raise RayUnavailable(
            "this process has imported Ray before", "begin the run in a process of its own"
        )
    ours = ALONE | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    given = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in given.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself; here what it did before stays."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _answers(address: str) -> None:
    """Raises ``RayUnavailable`` unless somebody takes connections there: Ray itself would try for
    a minute, and say it in a page."""
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 2**16:
        raise RayUnavailable(
            f"{address!r} is no address of a Ray cluster", "write HOST:PORT of its head, or local"
        )
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), ANSWER_S).close()
    except OSError as error:
        raise RayUnavailable(
            f"no Ray cluster answers at {address}: {error.strerror or error}", _start(address)
        ) from error


def _start(address: str) -> str:
    return (
        "`ray start --head` begins one, and this machine joins it with "
        f"`ray start --address={address} --num-cpus=0`"
    )


def _unavailable(address: str, error: Exception) -> RayUnavailable:
    said = " ".join(str(error.__cause__ or error).split())[:MOST_SAID]
    if "mismatch" in said.lower():
        return RayUnavailable(
            f"the cluster at {address} runs another Ray or Python: {said}",
            "install the same Python and Ray on every machine",
        )
    if address == LOCAL:
        return RayUnavailable(f"Ray does not start here: {said}", "leave --ray out")
    return RayUnavailable(f"{address} cannot be joined: {said}", _start(address))
