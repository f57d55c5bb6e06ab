"""``EnginePool``: policies loaded once and shared by sessions and ``/predict``.

A checkpoint that has changed on the disk, or settings that ask for another engine, make the
next session load anew; who still plays with the old engine keeps it, and the last one to let
it go frees it.  Of those that nobody uses, only the last few stay loaded.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from nitropilot.engines import ActionChunk, Engine, load_engine
from nitropilot.policy.files.formats import CONFIG_NAME, WEIGHTS_NAME
from nitropilot.policy.naming import DEFAULT, SHIPPED, parse_adapted, parse_random
from nitropilot.server.errors import ShuttingDown
from nitropilot.server.sessions.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nitropilot.engines.base import EngineInfo, Request

log = logging.getLogger("nitropilot.pool")

KEPT_UNUSED = 2
"""Policies that stay loaded while nobody uses them: enough to go from one game's to another's and
back without a wait.  A full-size one takes 1 to 3 GB, which the game beside it wants too."""
CLOSE_S = 10.0
"""How long the end waits for chunks that are being computed."""

Stamp = tuple[tuple[int, int, int], ...]
Key = tuple[str, int | None]
"""A policy and its Euler steps; None: as many as it says."""


class _Loaded:
    """An engine, its users and what it was loaded from."""

    def __init__(self, engine: Engine, stamp: Stamp, pool: EnginePool) -> None:
        self.engine = engine
        self.pool = pool
        self.stamp = stamp
        self.turns = Turns()
        self.users = 0
        self.used = time.monotonic()
        self.stale = False
        self._lock = threading.Lock()

    def lend(self, plays: bool) -> SharedEngine:
        """A handle for one more user."""
        with self._lock:
            self.users += 1
        return SharedEngine(self, plays)

    def give_back(self) -> None:
        """One user less; the last one of an old engine frees it."""
        with self._lock:
            self.users -= 1
            self.used = time.monotonic()
            free = self.stale and self.users == 0
        if free:
            self.engine.close()
        self.pool.unload_unused()

    def retire(self) -> None:
        """Nobody else gets it; free it once nobody uses it."""
        with self._lock:
            self.stale = True
            free = self.users == 0
        if free:
            self.engine.close()


class SharedEngine(Engine):
    """One user's handle on an engine that several threads take turns on."""

    def __init__(self, loaded: _Loaded, plays: bool) -> None:
        self._loaded = loaded
        self._plays = plays
        self._closed = False
        self._look()

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As ``Engine.infer_batch``, after whoever is before."""
        with self._loaded.turns.take(plays=self._plays):
            began = time.perf_counter()
            try:
                chunks = self._loaded.engine.infer_batch(requests)
            finally:
                self._look()  # it may have fallen back to another
            if self._loaded.pool.observe is not None:
                self._loaded.pool.observe(time.perf_counter() - began)
            return chunks

    def close(self) -> None:
        """Let it go; others may still be using it.  Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._loaded.give_back()

    def _look(self) -> None:
        engine = self._loaded.engine
        self.spec, self.info = engine.spec, engine.info
        self.max_batch, self.joins = engine.max_batch, engine.joins


class EnginePool:
    """Loads each policy once.

    Args:
        default: The policy for requests that name none.
        engine: Kind of engine, or ``auto``.
        device: Device, or ``auto``.
        precision: What to compute in, or ``auto``.

    Attributes:
        default: As given.
        observe: Gets the seconds of every inference; None when nobody wants them.
    """

    observe: Callable[[float], object] | None = None

    def __init__(
        self,
        default: str = DEFAULT,
        engine: str = "auto",
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.default = default
        self._how = (engine, device, precision)
        self._engines: dict[Key, _Loaded] = {}
        self._lock = threading.Lock()
        self._opening: WeakValueDictionary[Key, threading.Lock] = WeakValueDictionary()
        self._over = False

    @property
    def how(self) -> tuple[str, str, str]:
        """Engine, device and precision that policies are to be loaded with."""
        return self._how

    def running(self) -> EngineInfo | None:
        """What the default policy runs on now; None while it is not loaded."""
        with self._lock:
            found = (one for (name, _), one in self._engines.items() if name == self.default)
            loaded = next(found, None)
        return loaded.engine.info if loaded is not None else None

    def use(self, default: str, engine: str, device: str, precision: str) -> None:
        """From now on load like this; what is loaded otherwise is for nobody new."""
        with self._lock:
            self.default = default
            changed = self._how != (engine, device, precision)
            self._how = (engine, device, precision)
        if changed:
            self.reload()

    def get(
        self, policy: str | None = None, *, plays: bool = True, steps: int | None = None
    ) -> Engine:
        """The engine for ``policy`` or for the default one; close it when done.

        Args:
            policy: Its name.
            plays: Whether a game waits for it: then it comes before those that do not play.
            steps: Euler steps; None: as many as it says.

        Raises:
            ShuttingDown: The daemon ends.
            CheckpointError, EngineUnavailable: It cannot be loaded.
        """
        name = policy or self.default
        key = (name, steps)
        with self._lock:
            opening = self._opening.setdefault(key, threading.Lock())
        with opening:  # compiling may take a minute, and others want other policies
            stamp = stamp_of(name)
            with self._lock:
                if self._over:
                    raise ShuttingDown("the daemon is ending", "start it again")
                loaded = self._engines.get(key)
                if loaded is not None and loaded.stamp == stamp:
                    return loaded.lend(plays)
                how = self._how
            if loaded is not None:
                log.warning("%s has changed on the disk: it is loaded anew", name)
                self._retire([key])
            kind, device, precision = how
            engine = load_engine(name, engine=kind, device=device, precision=precision, steps=steps)
            loaded = _Loaded(engine, stamp, self)
            handle = loaded.lend(plays)
            with self._lock:
                if how == self._how:
                    self._engines[key] = loaded
                else:
                    loaded.stale = True
            return handle

    def reload(self) -> list[str]:
        """Have every policy loaded anew by who comes next; the names of those that were loaded."""
        with self._lock:
            keys = list(self._engines)
        self._retire(keys)
        return list(dict.fromkeys(name for name, _ in keys))

    def loaded(self) -> list[str]:
        """Names of the policies that are loaded."""
        with self._lock:
            return list(dict.fromkeys(name for name, _ in self._engines))

    def unload_unused(self) -> None:
        """Free the policies that nobody uses, but for the ``KEPT_UNUSED`` that were used last."""
        with self._lock:  # only in here does a loaded policy get another user
            idle = [key for key, one in self._engines.items() if one.users == 0]
            idle.sort(key=lambda key: self._engines[key].used)
            keys = idle[:-KEPT_UNUSED]
            freed = [self._engines.pop(key) for key in keys]
        for (name, _), loaded in zip(keys, freed, strict=True):
            log.info("%s is unloaded: nobody uses it", name)
            loaded.retire()

    def stop(self) -> None:
        """Refuse all that is not being computed yet."""
        with self._lock:
            self._over = True
            loaded = list(self._engines.values())
        for each in loaded:
            each.turns.stop()

    def close(self) -> None:
        """Free all weights, used or not; an engine that still computes is left alone."""
        self.stop()
        deadline = time.monotonic() + CLOSE_S
        with self._lock:
            for loaded in self._engines.values():
                if loaded.turns.wait_free(deadline):
                    loaded.engine.close()
            self._engines.clear()

    def _retire(self, keys: list[Key]) -> None:
        for key in keys:
            with self._lock:
                loaded = self._engines.pop(key, None)
            if loaded is not None:
                loaded.retire()


def stamp_of(policy: str) -> Stamp:
    """What tells a checkpoint's files from changed ones; empty for random weights."""
    if parse_random(policy):
        return ()
    if pair := parse_adapted(policy):
        return stamp_of(pair[0]) + stamp_of(pair[1])
    path = SHIPPED.get(policy) or Path(policy)
    files = [path / WEIGHTS_NAME if path.is_dir() else path]
    files.append(files[0].with_name(CONFIG_NAME))
    found = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)
