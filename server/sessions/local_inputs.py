"""``LocalInputs``: how people at this machine control the daemon: hotkeys, and pads of their own.

What cannot be had here is logged and shown by ``nitropilot doctor``; the daemon goes on.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from nitropilot.agent.session.control import SessionControl
from nitropilot.agent.session.human import HumanPlay, HumanThread
from nitropilot.controller.human.hotkeys import open_hotkeys, parse_hotkey
from nitropilot.controller.human.reader import open_human_pads
from nitropilot.errors import NitroPilotError
from nitropilot.server.sessions.panic import panic, toggle_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from nitropilot.agent.session.human import TakeoverTarget
    from nitropilot.controller.human.hotkeys import HotkeyListener
    from nitropilot.controller.state import GamepadState
    from nitropilot.server.sessions.registry import SessionRegistry
    from nitropilot.server.store.settings import HotkeySettings

log = logging.getLogger("nitropilot.inputs")


class LocalInputs:
    """Hotkeys and human takeover for the sessions of a daemon, for the length of a block.

    Args:
        registry: The sessions; hotkeys are those of its settings, also when they change.
    """

    def __init__(self, registry: SessionRegistry) -> None:
        self._registry = registry
        self._wanted: HotkeySettings | None = None
        self._listener: HotkeyListener | None = None
        self._lock = threading.Lock()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._attempt(self._watch_pads)
        self._open.callback(self._use, None)
        self._registry.settings.listen(lambda now: self._use(now.hotkeys))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def _use(self, wanted: HotkeySettings | None) -> None:
        """Listen for these hotkeys and no others."""
        with self._lock:
            if wanted == self._wanted:
                return
            self._wanted = wanted
            if self._listener is not None:
                self._listener.close()
                self._listener = None
            if wanted is not None:
                self._attempt(self._listen, logging.WARNING if _has_desktop() else logging.INFO)

    def _listen(self) -> None:
        assert self._wanted is not None
        pairs = ((self._wanted.toggle, self._toggle), (self._wanted.panic, self._panic))
        actions = {key: act for text, act in pairs if (key := parse_hotkey(text)) is not None}
        if actions:
            self._listener = open_hotkeys(actions)
            for trouble in self._listener.trouble:
                log.warning("%s", trouble)

    def _watch_pads(self) -> None:
        play = HumanPlay(lambda: [session.control for session in self._registry.all()], _tell)
        self._open.callback(HumanThread(open_human_pads(), play).close)

    def _attempt(self, act: Callable[[], None], level: int = logging.INFO) -> None:
        try:
            act()
        except NitroPilotError as error:
            log.log(level, "%s", error.line())

    def _toggle(self) -> None:
        log.info("hotkey: %s", toggle_all(self._registry))

    def _panic(self) -> None:
        done = panic(self._registry)
        log.info("hotkey: panic: let go of %s", ", ".join(done.let_go) or "nothing: nobody played")


def _has_desktop() -> bool:
    """Whether somebody may be here who presses keys and wonders."""
    return sys.platform == "win32" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def _tell(session: TakeoverTarget, state: GamepadState) -> None:
    """Whoever observes the session sees what the human does."""
    if isinstance(session, SessionControl):
        session.events.pad(state, source="human")
