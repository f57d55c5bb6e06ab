"""The process that owns the pad: plugs one in and obeys the lines it reads.

Run in the guest as ``python -m tests.uinput_vm.pad_holder``.  A line is the name
of a case to send, ``neutral`` or ``close``; each is answered with ``done``.
"""

from __future__ import annotations

import sys

from nitropilot.controller import NEUTRAL
from nitropilot.controller.pads.vgamepad_pad import VGamepadPad
from tests.uinput_vm.cases import CASES


def main() -> None:
    pad = VGamepadPad()
    print("ready", flush=True)
    for line in sys.stdin:
        order = line.strip()
        if order == "close":
            pad.close()
            pad.close()
        else:
            pad.send(NEUTRAL if order == "neutral" else CASES[order])
        print("done", flush=True)


if __name__ == "__main__":
    main()
