"""The daemon as a service of the desktop: what is written, and what systemd says of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nitropilot.server.errors import ServiceError
from nitropilot.server.host.service import (
    USUAL_TASK_COMMAND,
    USUAL_UNIT_COMMAND,
    task_text,
    this_command,
    unit_text,
)
from tests.server.processes import ROOT, command, environment

PACKAGING = ROOT / "packaging"
NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def test_the_packaged_files_are_what_the_command_makes() -> None:
    """Two copies of a unit would drift apart."""
    assert (PACKAGING / "nitropilot.service").read_text() == unit_text(USUAL_UNIT_COMMAND)
    assert (PACKAGING / "nitropilot-task.xml").read_text() == task_text(USUAL_TASK_COMMAND)


def verified(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """What systemd says of a user's unit."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here to check the unit")
    unit = folder / "nitropilot.service"
    unit.write_text(text)
    return subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", str(unit)], text=True,
        capture_output=True, env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["nitropilot", "with space", "50%", "$HOME", "{x}", "a;b"])
def test_systemd_takes_the_unit(tmp_path: Path, name: str) -> None:
    """A unit with a mistake in it is only found at the next login."""
    program = tmp_path / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    done = verified(tmp_path, unit_text(str(program)))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("name", ['a"b', "a'b", "back\\slash", "two\nlines"])
def test_what_systemd_cannot_start_is_said_at_once(name: str) -> None:
    """And nothing of such a name becomes another line of the unit."""
    with pytest.raises(ServiceError, match="systemd cannot start"):
        unit_text(f"/opt/{name}")


@pytest.mark.parametrize(
    ("right", "wrong"), [("Type=exec", "Type=nothing"), ("serve\n", "serve\n[Nothing\n")]
)
def test_systemd_would_refuse_a_wrong_one(tmp_path: Path, right: str, wrong: str) -> None:
    """The check above must be able to fail."""
    done = verified(tmp_path, unit_text(sys.executable).replace(right, wrong))
    assert "nitropilot.service" in done.stderr


def test_systemd_looks_for_the_program(tmp_path: Path) -> None:
    """So a name that was quoted wrongly would have been found missing."""
    done = verified(tmp_path, unit_text(str(tmp_path / "missing")))
    assert done.returncode != 0
    assert "missing" in done.stderr


def test_the_task_is_well_formed() -> None:
    """Windows says nothing but "the task XML is malformed"."""
    root = ElementTree.fromstring(
        task_text(r"C:\A & B\nitropilot.exe", "PC\\<me>").replace('encoding="UTF-16"', "")
    )
    command_ = root.find(f"{NAMESPACE}Actions/{NAMESPACE}Exec/{NAMESPACE}Command")
    user = root.find(f"{NAMESPACE}Triggers/{NAMESPACE}LogonTrigger/{NAMESPACE}UserId")
    assert command_ is not None
    assert command_.text == r"C:\A & B\nitropilot.exe"
    assert user is not None
    assert user.text == "PC\\<me>"
    level = root.find(f"{NAMESPACE}Principals/{NAMESPACE}Principal/{NAMESPACE}RunLevel")
    assert level is not None
    assert level.text == "LeastPrivilege"


def test_the_task_is_never_ended_by_force() -> None:
    """*End* in the Task Scheduler would end the game's hand with the daemon: a paused game stays
    paused, with nobody to let it go."""
    root = ElementTree.fromstring(task_text("nitropilot.exe").replace('encoding="UTF-16"', ""))
    force = root.find(f"{NAMESPACE}Settings/{NAMESPACE}AllowHardTerminate")
    assert force is not None
    assert force.text == "false"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux's")
def test_install_and_remove(tmp_path: Path) -> None:
    """Written, said what is missing without a desktop, and taken back without a trace."""
    config = tmp_path / "xdg"
    found = {"XDG_CONFIG_HOME": str(config), "XDG_RUNTIME_DIR": str(tmp_path)}
    path = config / "systemd" / "user" / "nitropilot.service"
    for _ in range(2):
        done = command("service", "install", "--json", home=tmp_path, **found)
        assert done.returncode == 0, done.stderr
        facts = json.loads(done.stdout)
        assert facts["path"] == str(path)
        assert path.read_text() == unit_text(this_command())
        assert facts["enabled"] or "systemctl --user enable" in facts["note"]
    printed = command("service", "print", home=tmp_path, **found)
    assert printed.stdout == path.read_text()
    for _ in range(2):
        assert command("service", "remove", home=tmp_path, **found).returncode == 0
    assert not any(path.is_file() for path in config.rglob("*"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_every_shell(tmp_path: Path, shell: str) -> None:
    """What a shell asks when the tab key is pressed after ``nitropilot se``."""
    program = (
        "import sys; sys.argv = ['nitropilot']; from nitropilot.server.cli.main import main; main()"
    )
    asked = {
        "_NITROPILOT_COMPLETE": f"complete_{shell}", "COMP_WORDS": "nitropilot se",
        "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "nitropilot se",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(tmp_path, None, **asked),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"serve", "settings", "service"} <= set(re.findall(r"\w+", done.stdout))
    assert "doctor" not in done.stdout
