"""``scripts/install-system-packages``: what cannot be installed is said, or is an error."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packages of Debian")

INSTALLED = ("xvfb", "git")
LOG = 'echo "$@" >> "$LOG"\n'


class System:
    """A system of its own programs alone: they say what they are told to, and install nothing.

    Args:
        folder: For the programs.
        script: What is run.
    """

    def __init__(self, folder: Path, script: Path) -> None:
        self.folder, self.script = folder, script
        self.log = folder / "log"
        self.log.touch()
        there = "|".join(INSTALLED)
        self.program("dpkg-query", f'case "$4" in {there}) echo -n installed;; *) exit 1;; esac')
        self.program("apt-get", LOG)
        self.program("env", 'shift\nexec "$@"')
        self.user(0)

    def program(self, name: str, body: str) -> None:
        """Make one."""
        path = self.folder / name
        path.write_text(f"#!{shutil.which('sh')}\n{body}\n")
        path.chmod(0o755)

    def user(self, number: int) -> None:
        """Who runs it."""
        self.program("id", f"echo {number}")

    def run(self, what: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        clean = {k: v for k, v in os.environ.items() if k != "NITROPILOT_REQUIRE"}
        path = {"PATH": str(self.folder), "PYTHON": sys.executable, "LOG": str(self.log)}
        return subprocess.run(
            [shutil.which("sh") or "", str(self.script), what],
            text=True, capture_output=True, env=clean | path | variables,
        )  # fmt: skip

    def asked(self) -> set[str]:
        """The packages that apt was asked for."""
        lines = self.log.read_text().splitlines()
        return {line.split()[-1] for line in lines if line.startswith("install")}


@pytest.fixture
def system(tmp_path: Path, pytestconfig: pytest.Config) -> System:
    """As root, with an apt that can install everything."""
    return System(tmp_path, pytestconfig.rootpath / "scripts" / "install-system-packages")


def test_what_is_missing_is_installed(system: System) -> None:
    """What tests use and nobody installs makes a clean machine red."""
    done = system.run("test", NITROPILOT_REQUIRE="all")
    assert done.returncode == 0, done.stderr
    assert {"chromium", "supertux", "curl", "openssl", "nodejs", "systemd"} <= system.asked()
    assert not set(INSTALLED) & system.asked()
    system.log.write_text("")
    assert system.run("images").returncode == 0
    assert system.asked() == {"buildah", "debootstrap"}


@pytest.mark.parametrize(("variables", "status"), [({}, 0), ({"NITROPILOT_REQUIRE": "all"}, 1)])
def test_what_cannot_be_installed(system: System, variables: dict[str, str], status: int) -> None:
    """Continuous integration without a browser would be green; a newcomer may do without."""
    system.program("apt-get", LOG + 'case "$*" in *chromium*) exit 100;; esac')
    done = system.run("test", **variables)
    assert done.returncode == status
    assert "could not install chromium" in done.stderr
    assert "supertux" in system.asked()
    assert "openssl" in system.asked(), "those after it were not tried"


@pytest.mark.parametrize(("variables", "status"), [({}, 0), ({"NITROPILOT_REQUIRE": "all"}, 1)])
def test_who_may_not_install(system: System, variables: dict[str, str], status: int) -> None:
    """Without root and sudo nothing can be installed."""
    system.user(1000)
    done = system.run("test", **variables)
    assert done.returncode == status
    assert "as root, run: apt-get install" in done.stderr
    assert system.asked() == set()


def test_other_systems(system: System) -> None:
    """Their package managers are not ours to use; the tests say what is missing."""
    (system.folder / "dpkg-query").unlink()
    done = system.run("test", NITROPILOT_REQUIRE="all")
    assert done.returncode == 0
    assert "chromium" in done.stderr
