"""Feed the recordings back: ``python -m tests.golden.replay FOLDER [--rounds N] [NAME ...]``.

Runs in a process of its own, whose clock is that of ``tests.golden.clock``.  Each play is fed
back in a fork of it, so that none finds anything of another; what comes of it is left as
``FOLDER/ROUND/NAME/outcome.json`` and ``chunks.npz``.
"""

from __future__ import annotations

from tests.golden import clock

clock.install()

import argparse  # noqa: E402
import asyncio  # noqa: E402
import base64  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import traceback  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

from tests.golden import adapter, expected  # noqa: E402
from tests.golden.client import Client, Listener  # noqa: E402
from tests.golden.data import Recording  # noqa: E402
from tests.golden.normal import normal, write  # noqa: E402
from tests.golden.results import Drawings, grid_of_jpeg, results_of  # noqa: E402
from tests.golden.scenarios import SCENARIOS, SEED, Scenario  # noqa: E402
from tests.golden.world import World  # noqa: E402

BEGIN_NS = clock.START_NS + 60 * 10**9
"""When every play begins, whatever its preparations took."""
ENDED = ("stopped", "failed")
SLOW = 20.0
"""How many times as long as recorded a chunk takes for a policy that became too slow."""


class Play:
    """One play that is fed back.

    Args:
        scenario: What happens in it.
        house: The daemon.
        world: What stands in for the system.
    """

    def __init__(self, scenario: Scenario, house: adapter.House, world: World) -> None:
        self.scenario = scenario
        self.world = world
        self.client = Client(house.app, adapter.PORT, adapter.TOKEN)
        self.listener = Listener(house.app, adapter.PORT, adapter.TOKEN)
        self.answers: list[dict[str, Any]] = []
        self.session = ""

    async def run(self) -> dict[str, Any]:
        """From the first request to the session's last word; how the session is then."""
        await self.listener.ready()
        await asyncio.sleep((BEGIN_NS - clock.SCHEDULER.now) / 1e9)
        self.world.begin()
        request = {"window": adapter.HANDLE, "seed": SEED, **self.scenario.request}
        created = await self.ask("POST /api/v1/sessions", request)
        self.session = created["id"]
        for at, what, value in self.scenario.steps:
            await self.until(at)
            await self.step(what, value)
        await self.until(self.scenario.ends)
        await self.ask("DELETE @", None)
        while True:
            await asyncio.sleep(0.25)
            now = await self.client.ask("GET", f"/api/v1/sessions/{self.session}")
            if now["answer"]["state"] in ENDED:
                break
        await self.ask("GET @", None)
        await self.ask("POST @/resume", None)
        await self.ask("GET /api/v1/sessions/nobody", None)
        await self.listener.close()
        return now["answer"]  # type: ignore[no-any-return]

    async def until(self, at: float) -> None:
        """Wait for a moment."""
        await asyncio.sleep(max(at - self.world.at(), 0.0))

    async def step(self, what: str, value: Any) -> None:
        """One of the scenario's."""
        if what == "human":
            self.world.human_moves(value)
        elif what == "window" and value == "slow":
            self.world.slow = SLOW
        elif what == "window":
            self.world.trouble = value
        elif what == "frame":
            await self.listener.say({"type": "frame", "session": self.session, **value})
        else:
            await self.ask(what, value)

    async def ask(self, what: str, body: Any) -> Any:
        """A request, noted with its answer."""
        method, path = what.replace("@", f"/api/v1/sessions/{self.session}").split(" ", 1)
        began = self.world.at()
        said = await self.client.ask(method, path, body)
        self.answers.append({"at": began, "request": what, "body": body, **said})
        return said["answer"]


def feed_back(name: str, target: Path) -> None:
    """Feed one recording back and leave its outcome in a folder."""
    scenario = SCENARIOS[name]
    recording = Recording.load(scenario.recording)
    mode = scenario.recording.rpartition("-")[2]
    with _process() as game, tempfile.TemporaryDirectory() as folder:
        adapter.set_folders(Path(folder))
        world = World(
            recording,
            adapter.LOOKER[mode],
            expected.chunks(name),
            game.pid,
            scenario.joins,
            scenario.frames,
        )
        loop = clock.Loop()
        asyncio.set_event_loop(loop)
        with Drawings() as drawings, adapter.open_house(world, Path(folder)) as house:
            play = Play(scenario, house, world)
            session = loop.run_until_complete(play.run())
            pages = loop.run_until_complete(pages_of(play.client))
        names = {
            session["folder"]: "FOLDER", session["id"]: "SESSION", folder: "DATA",
            f"pid {game.pid}": "pid 0",
        }  # fmt: skip
        outcome = {
            "answers": [_rough(answer) for answer in play.answers],
            "events": [_rough(message) for message in play.listener.heard],
            "boundary": world.notes,
            "asked": world.asked,
            "wrong": world.wrong,
            "drawn": drawings.found,
            **results_of(Path(session["folder"]), adapter.recordings_in(Path(folder))),
        }
        target.mkdir(parents=True)
        write(target / "outcome.json", normal(json.loads(json.dumps(outcome)), names))
        write(target / "pages.json", pages)
        np.savez_compressed(target / "chunks.npz", chunks=np.stack(world.chunks))


@contextmanager
def _process() -> Iterator[subprocess.Popen[bytes]]:
    """A process to be taken for the game's."""
    none = subprocess.DEVNULL
    process = subprocess.Popen(["sleep", "600"], stdin=none, stdout=none, stderr=none)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def pages_of(client: Client) -> dict[str, Any]:
    """The files of the overlay, as the daemon serves them."""
    return {path: await client.file(path) for path in adapter.PAGES}


def _rough(message: dict[str, Any]) -> dict[str, Any]:
    """A message whose picture, if it has one, is a grid of its brightness."""
    if message.get("jpeg"):
        return {**message, "jpeg": {"grid": grid_of_jpeg(base64.b64decode(message["jpeg"]))}}
    return message


def main() -> None:
    """Feed all back, one after the other, each in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("names", nargs="*", default=list(SCENARIOS))
    wanted = parser.parse_intermixed_args()
    torch.set_num_threads(1)
    for number in range(wanted.rounds):
        for name in wanted.names:
            child = os.fork()
            if child == 0:
                _in_fork(name, wanted.folder / str(number) / name)
            _, status = os.waitpid(child, 0)
            if status != 0:
                sys.exit(f"{name} could not be fed back")


def _in_fork(name: str, target: Path) -> None:
    clock.SCHEDULER.now = clock.START_NS
    status = 1
    try:
        feed_back(name, target)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
