"""The pad through libudev, which most engines load to look for pads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nitropilot.controller.pads.sdl_pad import launch_environment

if TYPE_CHECKING:
    from nitropilot.controller.pads.pad_page import PadPage

PROGRAM = Path(__file__).with_name("programs") / "udev_program.py"
EVENT = "/sys/devices/nitropilot/usb1/1-1/1-1:1.0/input/input0/event0"
ABOUT = {
    "node": "/dev/input/event0", "joystick": "1", "vendor": "045e",
    "properties": "/dev/input/event0",
}  # fmt: skip


def test_udev_finds_the_pad_and_tells_when_it_goes(page: PadPage) -> None:
    """With a real libudev the game saw the real pads of the machine, or, in a container, none."""
    with subprocess.Popen(
        [sys.executable, PROGRAM], env={**os.environ, **launch_environment(page)},
        stdout=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        try:
            assert program.stdout is not None
            found = json.loads(program.stdout.readline())
            assert found["pads"] == [EVENT]
            assert EVENT in found["joysticks"]
            assert (found["others"], found["sound"], found["everything"]) == ([], [], True)
            assert len(found["below"]) > 1, (
                "what is no joystick is still the real library's to tell"
            )
            assert found["described"] == found["by number"] == ABOUT
            page.plug(False)
            assert json.loads(program.stdout.readline()) == ["remove", "/dev/input/event0"]
            page.plug()
            assert json.loads(program.stdout.readline()) == ["add", "/dev/input/event0"]
        finally:
            program.kill()
