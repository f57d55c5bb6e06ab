"""``Stepper``: a launched game goes by steps, in a thread of its own, on a lease.

A step lasts as long as the game computes, and must hold up neither the pad nor the beats.  While
the game goes by steps its clock has a lease (``ClockPage.renew``): whoever steps it has to beat,
or it goes on by itself, without anybody having to write anything.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from nitropilot.controller.clock.hanging import runs
from nitropilot.controller.errors import ClockFailed, ClockLapsed, ProcessGone
from nitropilot.mailbox import Mailbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.controller.clock.clock_page import ClockPage

    Done = Callable[[BaseException | None], None]


class Stepper:
    """The thread, and what may be asked of it.

    Args:
        game: Process whose end ends a step.
        page: The game's clock.
        lease: Seconds that the game stands without ``renew``.
    """

    def __init__(self, game: int, page: ClockPage, lease: float) -> None:
        self._game, self._page, self._lease = game, page, lease
        self._jobs: Mailbox[tuple[Callable[[], None], Done] | None] = Mailbox()
        self._leased = False
        self._leaving = self._lapses = 0
        self._lock = threading.Lock()  # on these three, and on the lease
        self._thread = threading.Thread(target=self._work, name="nitropilot-stepper", daemon=True)
        self._thread.start()

    def stand(self, timeout: float, done: Done) -> None:
        """Let the game go by steps; ``done`` gets the error, or None once it stands at its gate.

        Args:
            timeout: Seconds that it may take to come there.
            done: Called in the stepper's thread, as of all that is asked for here.
        """
        self._jobs.put((lambda: self._stand(timeout), done))

    def step(self, count: int, timeout: float, done: Done) -> None:
        """Let it do so many steps.

        Args:
            count: How many.
            timeout: Seconds, for each of them.
            done: As for ``stand``.
        """
        self._jobs.put((lambda: self._step(count, timeout), done))

    def renew(self) -> bool:
        """Whoever steps lives; from any thread.  False if the game went on before that was said."""
        with self._lock, suppress(ClockLapsed):
            if self._leased:
                self._page.renew(self._lease)
            return True
        return False

    def let_go(self, done: Done | None = None) -> None:
        """Let the game run by itself; a step that it is in is given up."""
        with self._lock:
            self._leaving += 1
        self._jobs.put((self._run, done or (lambda _: None)))

    def close(self) -> None:
        """Let the game run, and end the thread."""
        self.let_go()
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            act, done = job
            try:
                act()
            except BaseException as error:  # noqa: BLE001 - told to whoever asked
                done(error)
            else:
                done(None)

    def _stand(self, timeout: float) -> None:
        with self._lock:
            self._page.renew(self._lease)
            self._leased = True
            self._lapses = self._page.status().lapses
        self._page.lockstep()
        with self._given_up():
            self._page.wait_ready(timeout, self._goes_on)

    def _step(self, count: int, timeout: float) -> None:
        if not self._leased:
            raise ClockFailed("the game does not go by steps", "let it stand first")
        with self._given_up():
            status = self._page.step(count, timeout=timeout, alive=self._goes_on)
        if status.lapses != self._lapses or not self.renew():
            raise ClockLapsed(
                "the game went on by itself in the middle of a step", "begin the episode again"
            )

    def _run(self) -> None:
        with self._lock:
            self._leaving -= 1
            if self._leased:
                self._leased = False
                self._page.run()
                self._page.lease(None)

    def _goes_on(self) -> bool:
        return not self._leaving and runs(self._game)

    @contextmanager
    def _given_up(self) -> Iterator[None]:
        """Tells a step that was given up from one whose game has ended."""
        try:
            yield
        except ProcessGone:
            if self._leaving:
                raise ClockLapsed(
                    "the game goes on by itself: it was let go in the middle of a step",
                    "begin the episode again",
                ) from None
            raise
