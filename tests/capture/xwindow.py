"""A real X11 window for tests, in this process or, run as a module, in a child."""

from __future__ import annotations

import json
import sys
from typing import Any

from Xlib import X, Xutil
from Xlib.display import Display

Place = tuple[int, int, int, int]


class XWindow:
    """One window on a connection of its own, painted in one colour by the server itself.

    Args:
        display: Name of the X display.
        place: Left, top, width and height.
        colour: Background as 0xRRGGBB.
        title: ``_NET_WM_NAME``, when given.
        numbers: Further properties of 32-bit numbers.
        texts: Further properties of Latin-1 text.
        right_half: Colour of a child window that covers the right half, when given.
        mapped: Whether to show the window.
        attributes: Further arguments of python-xlib's ``create_window``.
    """

    def __init__(
        self,
        display: str,
        place: Place = (20, 10, 200, 150),
        colour: int = 0x336699,
        *,
        title: str | None = None,
        numbers: dict[str, list[int]] | None = None,
        texts: dict[str, str] | None = None,
        right_half: int | None = None,
        mapped: bool = True,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        self.display = Display(display)
        self.root = self.display.screen().root
        options = attributes or {"background_pixel": colour}
        self.window = self.root.create_window(*place, 0, X.CopyFromParent, **options)
        self.handle: int = self.window.id
        if title is not None:
            self._put("_NET_WM_NAME", self._atom("UTF8_STRING"), 8, title.encode())
        for name, values in (numbers or {}).items():
            self._put(name, self._atom("CARDINAL"), 32, values)
        for name, text in (texts or {}).items():
            self._put(name, self._atom("STRING"), 8, text.encode("latin-1"))
        if right_half is not None:
            _, _, width, height = place
            self.window.create_window(
                width // 2, 0, width, height, 0, X.CopyFromParent, background_pixel=right_half
            ).map()
        # A window manager then leaves the window where it is put.
        self.window.set_wm_normal_hints(flags=Xutil.USPosition | Xutil.USSize)
        if mapped:
            self.window.map()
        self.display.sync()

    def __enter__(self) -> XWindow:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def atom(self, name: str) -> int:
        """The number of a name."""
        return self._atom(name)

    def place(self, left: int, top: int, width: int, height: int) -> None:
        """Move and resize."""
        self.window.configure(x=left, y=top, width=width, height=height)
        self.display.sync()

    def paint(self, colour: int) -> None:
        """Fill with another colour."""
        self.window.change_attributes(background_pixel=colour)
        self.window.clear_area()
        self.display.sync()

    def show(self, shown: bool) -> None:
        """Map or unmap."""
        (self.window.map if shown else self.window.unmap)()
        self.display.sync()

    def iconify(self) -> None:
        """Ask the window manager to minimise (ICCCM 4.1.4)."""
        from Xlib.protocol.event import ClientMessage

        message = ClientMessage(
            window=self.window,
            client_type=self._atom("WM_CHANGE_STATE"),
            data=(32, [Xutil.IconicState, 0, 0, 0, 0]),
        )
        mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
        self.root.send_event(message, event_mask=mask)
        self.display.sync()

    def destroy(self) -> None:
        """Destroy the window but stay connected."""
        self.window.destroy()
        self.display.sync()

    def close(self) -> None:
        """Disconnect, which destroys the window."""
        self.display.close()

    def _atom(self, name: str) -> int:
        return int(self.display.get_atom(name))

    def _put(self, name: str, kind: int, width: int, value: Any) -> None:
        self.window.change_property(self._atom(name), kind, width, value)


def main() -> None:
    """Open a window as the JSON argument says, print its handle, wait for the end of stdin."""
    with XWindow(**json.loads(sys.argv[1])) as window:
        print(window.handle, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
