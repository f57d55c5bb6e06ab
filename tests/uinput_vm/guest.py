"""Runs as root in the virtual machine and writes what it saw to one JSON file.

``python -m tests.uinput_vm.guest OUT`` writes ``OUT/facts.json`` and nothing
else outside the machine; ``test_uinput.py`` on the host judges the facts.
"""

from __future__ import annotations

import grp
import json
import os
import shutil
import stat
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.controller.errors import PadUnavailable
from nitropilot.controller.pads.vgamepad_pad import RULE_FILE, UINPUT, VGamepadPad, check_vgamepad
from tests.uinput_vm.cases import CASES
from tests.uinput_vm.hands import kill_hands
from tests.uinput_vm.watching import Helper, pads, seconds_until, wait_for_change

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.uinput_vm.watching import Facts

assert sys.platform == "linux"

NOBODY = 65534


def refusal(error: PadUnavailable | None) -> Facts:
    return {"message": str(error), "hint": error.hint} if error else {}


def try_pad() -> Facts:
    """The verdicts of the probe and of really opening a pad."""
    facts = {"check": refusal(check_vgamepad()), "open": {}}
    try:
        VGamepadPad().close()
    except PadUnavailable as error:
        facts["open"] = refusal(error)
    return facts


def try_as_nobody(groups: list[int], act: Callable[[], Facts]) -> Facts:
    """``act`` in a child without privileges; everything it needs is imported by now."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups(groups)
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.write(write_end, json.dumps(act()).encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    facts: Facts = json.loads(text)
    return facts


def install_rule() -> Facts:
    """Do what the hint says; /etc is the guest's own."""
    shutil.copy(RULE_FILE, "/etc/udev/rules.d/")
    for step in (["control", "--reload"], ["trigger", "--name-match=uinput"], ["settle"]):
        subprocess.run(["udevadm", *step], check=True)
    status = UINPUT.stat()
    return {"mode": stat.S_IMODE(status.st_mode), "group": grp.getgrgid(status.st_gid).gr_name}


def play_cases(holder: Helper, reader: Helper) -> Facts:
    """Each case sent from neutral, and the state that came back to neutral after it."""
    rest: Facts = json.loads(reader.ask("state"))
    facts: Facts = {"at_open": rest, "cases": {}, "after": {}}
    for name in CASES:
        holder.ask(name)
        facts["cases"][name] = wait_for_change(reader, rest)
        holder.ask("neutral")
        facts["after"][name] = wait_for_change(reader, facts["cases"][name])
    return facts


def close_pad(holder: Helper, reader: Helper) -> Facts:
    """``close`` (twice) with a button held, in a process that lives on."""
    holder.ask("A")
    pressed = wait_for_change(reader, json.loads(reader.ask("state")))
    holder.ask("close")
    return {
        "gone_after_s": seconds_until(lambda: pads() == 0),
        "holder_runs": holder.process.poll() is None,
        "reader": wait_for_change(reader, pressed),
    }


def gather(facts: Facts) -> None:
    facts["moments"] = {"up": time.monotonic()}
    facts["before_modprobe"] = try_pad()
    subprocess.run(["modprobe", "-a", "uinput", "joydev", "evdev"], check=True)
    subprocess.run(["udevadm", "settle"], check=True)
    facts["stranger"] = try_as_nobody([], try_pad)
    facts["rule"] = install_rule()
    facts["member"] = try_as_nobody([grp.getgrnam("input").gr_gid], try_pad)
    facts["left_over"] = pads()
    facts["moments"]["rule"] = time.monotonic()
    holder = Helper("pad_holder")
    reader = Helper("sdl_reader")
    facts["identity"] = json.loads(reader.greeting)
    facts["moments"]["helpers"] = time.monotonic()
    facts |= play_cases(holder, reader)
    facts["close"] = close_pad(holder, reader)
    facts["moments"]["cases"] = time.monotonic()
    facts["kills"] = kill_hands(reader)
    facts["moments"]["kills"] = time.monotonic()


def main(out: Path) -> None:
    facts: Facts = {"error": None}
    try:
        gather(facts)
    except Exception:
        facts["error"] = traceback.format_exc()
    part = out / "facts.json.part"
    part.write_text(json.dumps(facts))
    part.rename(out / "facts.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
