"""``Desk``: how people at this machine steer the daemon: hotkeys, and pads of their own.

What cannot be had here is logged and shown by ``nitropilot doctor``; the daemon goes on.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING

from agent.human import HumanPlay, HumanThread
from controller.hotkeys import Hotkey, HotkeyInvalid, open_hotkeys, parse_hotkey
from controller.human import open_human_pads
from nitropilot import NitroPilotError
from server.panic import panic, toggle_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from server.registry import SessionRegistry

log = logging.getLogger("nitropilot.desk")


class Desk:
    """Hotkeys and human takeover for the sessions of a daemon, for the length of a block.

    Args:
        registry: The sessions.
        toggle: Hotkey that pauses the agents or lets them play; "" for none.
        panic: Hotkey that lets go of everything; "" for none.

    Raises:
        HotkeyInvalid: A hotkey does not exist, or both are the same.
    """

    def __init__(self, registry: SessionRegistry, toggle: str, panic: str) -> None:
        self._registry = registry
        self._hotkeys: dict[Hotkey, Callable[[], object]] = {}
        wanted = ((toggle, self._toggle), (panic, self._panic))
        for text, action in wanted:
            hotkey = parse_hotkey(text)
            if hotkey is None:
                continue
            if hotkey in self._hotkeys:
                raise HotkeyInvalid(
                    f"{hotkey} is to toggle and to panic", "give --hotkey-panic another one"
                )
            self._hotkeys[hotkey] = action
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._attempt(self._listen)
        self._attempt(self._watch_pads)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def _listen(self) -> None:
        if not self._hotkeys:
            return
        listener = open_hotkeys(self._hotkeys)
        self._open.callback(listener.close)
        for trouble in listener.trouble:
            log.warning("%s", trouble)

    def _watch_pads(self) -> None:
        pads = open_human_pads()
        self._open.callback(HumanThread(pads, HumanPlay(self._registry.all)).close)

    def _attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
        except NitroPilotError as error:
            log.info("%s", error.line())

    def _toggle(self) -> None:
        log.info("hotkey: %s", toggle_all(self._registry))

    def _panic(self) -> None:
        log.info("hotkey: panic")
        panic(self._registry)
