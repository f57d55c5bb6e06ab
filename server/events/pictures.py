"""Pictures of windows for people to look at: small JPEGs, taken outside of the event loop.

Each is taken by a grabber of its own: those of a session belong to the threads that play.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nitropilot import capture
from nitropilot.agent.errors import NotPossibleNow
from nitropilot.capture.errors import GrabFailed
from nitropilot.errors import NitroPilotError
from nitropilot.server.errors import SessionNotFound
from nitropilot.server.events import messages
from nitropilot.server.http.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import Callable

    from nitropilot.agent import Session
    from nitropilot.capture import Grabber, Window
    from nitropilot.server.events.client import Client

QUALITY = 80
"""Of the JPEG, from 0 to 100."""
FRESH_S = 0.1
"""How old a picture may be that is given to another client too."""
KEPT = 16

log = logging.getLogger("nitropilot.events")


@dataclass(frozen=True)
class Picture:
    """A JPEG file and its size in pixels."""

    width: int
    height: int
    jpeg: bytes


def picture_of_window(window: Window, width: int) -> Picture:
    """A window as it is now.

    Args:
        window: Which.
        width: Of the picture; a smaller window is shown as it is.

    Raises:
        CaptureError: There is nothing to see.
    """
    return _take(lambda: capture.open_grabber(window), width)


def picture_of_session(session: Session, width: int) -> Picture:
    """The window of a session's game as it is now; see ``picture_of_window``.

    Raises:
        NotPossibleNow: The session has no game yet, or has ended.
        CaptureError: There is nothing to see.
    """
    if session.state.ended:
        raise NotPossibleNow(f"session {session.id} has ended", "start another one")
    if session.game is None:
        raise NotPossibleNow(f"session {session.id} has no game yet", "wait a moment")
    return _take(session.game.another_grabber, width)


def _take(open_grabber: Callable[[], Grabber], width: int) -> Picture:
    import cv2

    with open_grabber() as grabber:
        frame = grabber.grab()
    wide, high = frame.size
    size = (wide, high)
    small = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR)
    if wide > width:
        size = (width, max(round(high * width / wide), 1))
        small = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    done, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise GrabFailed(f"a picture of {wide} x {high} pixels could not be made a JPEG")
    return Picture(*size, jpeg.tobytes())


class Pictures:
    """Pictures that clients of the events asked for.  Used in the event loop.

    One is taken at a time, and clients that ask for the same at the same time share it: so
    they cost one thread's time, however many there are and however often they ask.
    """

    def __init__(self) -> None:
        self._lane = Lane("pictures", threads=1, waiting=256)
        self._taken: OrderedDict[tuple[str, int], tuple[float, asyncio.Task[str]]] = OrderedDict()
        self._errands: set[asyncio.Task[None]] = set()

    def order(self, client: Client, sessions: list[Session], wanted: str, width: int) -> None:
        """Have a picture sent to a client, or a warning that says why there is none.

        A client that has one of this session on its way gets that one.
        """
        if wanted in client.pictures:
            return
        client.pictures.add(wanted)
        errand = asyncio.create_task(self._fetch(client, sessions, wanted, width))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _fetch(
        self, client: Client, sessions: list[Session], wanted: str, width: int
    ) -> None:
        key = (wanted, width)
        asked, task = self._taken.get(key, (0.0, None))
        if task is None or (task.done() and time.monotonic() - asked > FRESH_S):
            task = asyncio.create_task(self._make(sessions, wanted, width))
            self._taken[key] = (time.monotonic(), task)
            while len(self._taken) > KEPT:
                self._taken.popitem(last=False)
        client.put(await task, picture_of=wanted)

    async def _make(self, sessions: list[Session], wanted: str, width: int) -> str:
        """The message with the picture, or the warning."""
        try:
            found = next((session for session in sessions if session.id == wanted), None)
            if found is None:
                raise SessionNotFound("there is no such session", "`ready` and `state` name them")
            return await self._lane.run(partial(_message, found, width))
        except NitroPilotError as error:
            text, hint = str(error), error.hint
        except Exception:  # the client has to be told in any case, or it waits for ever
            log.exception("no picture of session %s", wanted)
            text, hint = "the daemon made a mistake", "its log says more"
        return messages.event("warning", wanted, message=f"no picture: {text}", hint=hint)


def _message(session: Session, width: int) -> str:
    picture = picture_of_session(session, width)
    return messages.event(
        "frame", session.id, width=picture.width, height=picture.height,
        jpeg=base64.b64encode(picture.jpeg).decode("ascii"),
    )  # fmt: skip
