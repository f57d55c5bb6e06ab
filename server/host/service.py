"""Start the daemon with the user's session: a systemd user unit, or a task of Windows.

``packaging/`` holds what this module makes for the usual command, for those who package.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from nitropilot.children import find_program
from nitropilot.places import of_the_user
from nitropilot.server.errors import ServiceError

UNIT = "nitropilot.service"
TASK = "NitroPilot"
USUAL_UNIT_COMMAND = "%h/.local/bin/nitropilot"
USUAL_TASK_COMMAND = r"%LOCALAPPDATA%\Programs\NitroPilot\Scripts\nitropilot.exe"
PATIENCE_S = 60.0
YOURS = "make that folder yours to write; `nitropilot service print` shows what belongs there"

UNIT_TEXT = """\
# NitroPilot's daemon, for one user: ~/.config/systemd/user/nitropilot.service
[Unit]
Description=NitroPilot, an AI that plays games through a virtual gamepad
Documentation=https://github.com/nitropilot/nitropilot
# It captures windows, so it begins and ends with the desktop.
After=graphical-session.target
PartOf=graphical-session.target

[Service]
Type=exec
ExecStart={command} serve
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
# Games that are to run on are left alone, and so is a game's hand, which lets go of it when the
# daemon was killed.
KillMode=process
TimeoutStopSec=40
UMask=0077

[Install]
WantedBy=graphical-session.target
"""

TASK_TEXT = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>NitroPilot, an AI that plays games through a virtual gamepad</Description>
    <URI>\\{name}</URI>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>{user}
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>false</AllowHardTerminate>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>3</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>{command}</Command>
      <Arguments>serve</Arguments>
    </Exec>
  </Actions>
</Task>
"""


@dataclass(frozen=True)
class Service:
    """What was written, and whether the system has taken it.

    Attributes:
        path: The file.
        enabled: Whether the daemon begins with the next session.
        note: What the user still has to do; or "".
    """

    path: Path
    enabled: bool
    note: str = ""


def unit_text(command: str) -> str:
    """The systemd unit that runs a command, which may begin with systemd's ``%h``.

    Raises:
        ServiceError: systemd takes no program of that name.
    """
    if command.startswith("%h/"):
        return UNIT_TEXT.format(command=command)
    if any(character in "\"'\\" or not character.isprintable() for character in command):
        raise ServiceError(
            f"systemd cannot start {command!r}: quotes and backslashes are not for it",
            "install nitropilot into a folder without them",
        )
    escaped = command.replace("%", "%%")
    return UNIT_TEXT.format(command=f'"{escaped}"')


def task_text(command: str, user: str = "") -> str:
    """The Windows task that runs a command when a user, or anybody, logs on."""
    whose = f"\n      <UserId>{escape(user)}</UserId>" if user else ""
    return TASK_TEXT.format(command=escape(command), user=whose, name=TASK)


def this_command() -> str:
    """The ``nitropilot`` command that runs now.

    Raises:
        ServiceError: It was started in another way, such as ``python -m nitropilot``.
    """
    name = "nitropilot.exe" if sys.platform == "win32" else "nitropilot"
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else find_program(name)
    if found is None:
        raise ServiceError("the command nitropilot is not installed", "pip install nitropilot")
    return str(Path(found).absolute())


def install() -> Service:
    """Write the file and have the system use it from the next session on.

    Raises:
        ServiceError: It cannot be written, or the system refuses it.
    """
    return _install_task() if sys.platform == "win32" else _install_unit()


def remove() -> Service:
    """Take it back; no effect when it is not there.

    Raises:
        ServiceError: The file cannot be removed.
    """
    return _remove_task() if sys.platform == "win32" else _remove_unit()


def _install_unit() -> Service:
    path = unit_path()
    text = unit_text(this_command())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{UNIT}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise ServiceError(f"cannot write {path}: {error.strerror}", YOURS) from error
    trouble = _systemctl("daemon-reload") or _systemctl("enable", UNIT)
    todo = f"systemctl --user daemon-reload && systemctl --user enable --now {UNIT}"
    note = f"systemd does not answer ({trouble}); on your desktop run: {todo}" if trouble else ""
    return Service(path, not trouble, note)


def _remove_unit() -> Service:
    path = unit_path()
    trouble = _systemctl("disable", UNIT) if path.exists() else ""
    try:
        path.unlink(missing_ok=True)
        (path.parent / "graphical-session.target.wants" / UNIT).unlink(missing_ok=True)
    except OSError as error:
        raise ServiceError(f"cannot remove {path}: {error.strerror}", YOURS) from error
    return Service(path, False, f"systemd does not answer ({trouble})" if trouble else "")


def unit_path() -> Path:
    """Where the user's units are.

    Raises:
        NoPlace: There is no home.
    """
    base = of_the_user(lambda: str(Path.home() / ".config"), "XDG_CONFIG_HOME")
    return base / "systemd" / "user" / UNIT


def _install_task() -> Service:
    from nitropilot.server.store.paths import config_folder

    path = config_folder() / "startup-task.xml"
    user = f"{os.environ.get('USERDOMAIN', '')}\\{os.environ.get('USERNAME', '')}".strip("\\")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(task_text(this_command(), user), encoding="utf-16")
    except OSError as error:
        raise ServiceError(f"cannot write {path}: {error.strerror}", YOURS) from error
    if trouble := _run(["schtasks", "/Create", "/TN", TASK, "/XML", str(path), "/F"]):
        raise ServiceError(f"Windows refuses the task: {trouble}", f"look at {path}")
    return Service(path, True)


def _remove_task() -> Service:
    return Service(Path(TASK), False, _run(["schtasks", "/Delete", "/TN", TASK, "/F"]))


def _systemctl(*words: str) -> str:
    return _run(["systemctl", "--user", *words])


def _run(command: list[str]) -> str:
    """Why a command of the system did not work; or ""."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    return " ".join((done.stderr or done.stdout).split()) or f"status {done.returncode}"
