"""Boots the newest kernel of this host in an emulated machine to get a real uinput.

The machine sees the host's files read-only (what it changes lives in memory)
and may write to one folder.  It never uses KVM, so it also runs inside
containers and other virtual machines.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support.places import ROOT

BOOT_AND_RUN_S = 850.0


class Missing(Exception):
    """A part of the machine is not installed here."""


def run_in_machine(module: str, out: Path) -> str:
    """Run ``python -m module OUT`` as root of a fresh machine and wait for its end.

    Returns:
        The last lines that the machine printed.

    Raises:
        Missing: The emulator, virtme-ng, BusyBox or a usable kernel is missing.
        TimeoutError: The machine was still running after a quarter of an hour.
    """
    environment = [f"PYTHONPATH={ROOT}", "PYTHONDONTWRITEBYTECODE=1"]
    order = shlex.join(["env", *environment, sys.executable, "-m", module, str(out)])
    command = [
        _program("vng", "pip install virtme-ng"), "--verbose", "--disable-kvm", "--force-9p",
        "--run", str(newest_kernel()), f"--rwdir={out}", "--cpus", "2", "--memory", "2G",
        "--exec", order,
    ]  # fmt: skip
    _program(f"qemu-system-{platform.machine()}", "apt-get install qemu-system-x86")
    _program("busybox", "apt-get install busybox-static")
    log = out / "machine.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PATH": _path()},
            stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            process.wait(BOOT_AND_RUN_S)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"still running; last output: {_tail(log)}") from None
        finally:
            _kill_tree(process)
    return _tail(log)


def newest_kernel(boot: Path = Path("/boot"), modules: Path = Path("/lib/modules")) -> Path:
    """The newest kernel image that can be read and whose modules include uinput.

    Raises:
        Missing: There is none; the text names what was found.
    """
    images = sorted(boot.glob("vmlinuz-*"), key=_version, reverse=True)
    for image in images:
        folder = modules / image.name.removeprefix("vmlinuz-")
        lists = [folder / "modules.dep", folder / "modules.builtin"]
        has_uinput = any("/uinput.ko" in path.read_text() for path in lists if path.is_file())
        if os.access(image, os.R_OK) and has_uinput:
            return image
    names = ", ".join(image.name for image in images) or "none"
    raise Missing(f"no readable kernel with a uinput module in {boot} (found: {names})")


def _version(image: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", image.name)]


def _path() -> str:
    """The search path with the folder of our Python first, where pip puts ``vng``."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


def _program(name: str, fix: str) -> str:
    found = shutil.which(name, path=_path())
    if found is None:
        raise Missing(f"{name} is not installed ({fix})")
    return found


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End the emulator and its helpers, if they still run."""
    if process.poll() is None:
        vng = psutil.Process(process.pid)
        for member in (*vng.children(recursive=True), vng):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()
