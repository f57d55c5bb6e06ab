"""A program with one X11 window that does what the tests tell it through a pipe in a file.

It has no SDL, so it never opens a pad.  Commands, one a line: ``renew`` (another window
replaces this one after a moment), ``close`` (the window only), ``hide``, ``show``,
``paint 0xRRGGBB``, ``size W H``, ``deaf`` (answer no pings any more), ``hold`` (keep the whole
display to itself for half of the time).
"""

from __future__ import annotations

import os
import random
import select
import sys
import time
from contextlib import suppress

from Xlib import X, error

from tests.capture.xwindow import XWindow

COLOUR = 0x40A060


class Program:
    """The window and what it does."""

    def __init__(self) -> None:
        self.window = self.open()
        self.answers = True
        self.holds = False

    def open(self) -> XWindow:
        """A fresh window that takes pings."""
        window = XWindow(os.environ["DISPLAY"], (40, 40, 321, 201), COLOUR, title="a game")
        ping = window.display.get_atom("_NET_WM_PING")
        window.window.set_wm_protocols([ping])
        window.display.sync()
        return window

    def obey(self, words: list[str]) -> None:
        """Do one command."""
        match words:
            case ["renew"]:
                self.window.close()
                time.sleep(0.3)
                self.window = self.open()
            case ["close"]:
                self.window.destroy()
            case ["hide" | "show" as what]:
                self.window.show(what == "show")
            case ["paint", colour]:
                self.window.paint(int(colour, 16))
            case ["size", width, height]:
                self.window.place(40, 40, int(width), int(height))
            case ["deaf"]:
                self.answers = False
            case ["hold"]:
                self.holds = True

    def hold_display(self) -> None:
        """Keep the display to itself for most of the time, as some games do at every change.

        The breaks are of two lengths: whoever waits for the display goes on when one begins, and
        meets the next hold in a short one only.
        """
        self.window.display.grab_server()
        self.window.display.sync()
        time.sleep(0.1)
        self.window.display.ungrab_server()
        self.window.display.sync()
        time.sleep(random.choice((0.001, 0.15)))

    def answer_pings(self) -> None:
        """Send each ping on to the root window, as programs must."""
        display = self.window.display
        for _ in range(display.pending_events()):
            event = display.next_event()
            if event.type == X.ClientMessage and self.answers:
                event.window = self.window.root
                self.window.root.send_event(event, event_mask=X.SubstructureNotifyMask)
        display.flush()


def main() -> None:
    """Open the window and obey until somebody ends the process."""
    program = Program()
    commands = os.open(sys.argv[1], os.O_RDWR)
    while True:
        ready, _, _ = select.select(
            [commands, program.window.display.fileno()], [], [], 0.0 if program.holds else 0.05
        )
        if commands in ready:
            for line in os.read(commands, 4096).decode().splitlines():
                program.obey(line.split())
        with suppress(error.ConnectionClosedError):
            program.answer_pings()
            if program.holds:
                program.hold_display()


if __name__ == "__main__":
    main()
