"""Many clients, one engine: who is computed when, and whose fault stays whose."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

import nitropilot.server.policy_server.batcher
from nitropilot import NitroPilotError
from nitropilot.engines import ActionChunk, Engine, InferenceFailed, Request
from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.policy import random_policy
from nitropilot.server.errors import ServerError, ShuttingDown, Superseded
from nitropilot.server.policy_server.batcher import Batcher, Done
from tests.server.processes import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nitropilot.policy.network.policy import Policy


@pytest.fixture(scope="module")
def policy() -> Policy:
    """A small policy."""
    return random_policy("tiny", 0)


class Held(Engine):
    """A real engine whose batches can be held back, are written down, and can fail."""

    def __init__(self, policy: Policy, max_batch: int = 8) -> None:
        self._engine = TorchEngine(policy, max_batch=max_batch)
        self.spec, self.info = self._engine.spec, self._engine.info
        self.max_batch = max_batch
        self.batches: list[list[Request]] = []
        self.fails_for: Callable[[Request], Exception | None] = lambda request: None
        self._held = False
        self._thinking = threading.Event()
        self._passes = threading.Semaphore(0)

    def hold(self) -> None:
        """Hold back every batch from the next one on."""
        self._held = True

    async def thinking(self) -> None:
        """Wait until a batch is held back."""
        assert await asyncio.to_thread(self._thinking.wait, PATIENCE_S)

    def let_one_through(self) -> None:
        """Compute the batch that is held back."""
        self._thinking.clear()
        self._passes.release()

    def let_go(self) -> None:
        """Hold back nothing any more."""
        self._held = False
        self._passes.release()

    def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
        """As the real engine, once it is let through."""
        if self._held:
            self._thinking.set()
            assert self._passes.acquire(timeout=PATIENCE_S)
        self.batches.append(list(requests))
        for request in requests:
            if error := self.fails_for(request):
                raise error
        return self._engine.infer_batch(requests)

    def close(self) -> None:
        """As the real engine."""
        self._engine.close()


def request(engine: Engine, number: int = 0) -> Request:
    """A request that can be told from others by its noise."""
    spec = engine.spec
    grey = np.zeros((spec.frames, 3, spec.image_size, spec.image_size), np.float32)
    noise = np.full((spec.horizon, spec.action_dim), number / 100, np.float32)
    return Request(grey, noise)


def number_of(one: Request) -> int:
    """The number that a request was made with."""
    return round(float(one.noise[0, 0]) * 100)


def run(engine: Held, test: Callable[[Batcher], Awaitable[None]], max_batch: int = 8) -> None:
    """Run a test with a batcher in an event loop."""

    async def main() -> None:
        batcher = Batcher(engine, max_batch, asyncio.get_running_loop())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await batcher.ready
                engine.batches.clear()
                await test(batcher)
        finally:
            engine.let_go()
            batcher.stop()
            assert await batcher.ended()

    asyncio.run(main())
    engine.close()


def test_what_waits_is_computed_together(policy: Policy) -> None:
    """Eight clients must not take eight times as long as one, and each gets its own answer."""
    engine = Held(policy)

    async def test(batcher: Batcher) -> None:
        engine.hold()
        first = batcher.submit("first", request(engine))
        await engine.thinking()
        rest = [batcher.submit(client, request(engine, client)) for client in range(1, 7)]
        engine.let_go()
        assert (await first).batch == 1
        answers = await asyncio.gather(*rest)
        assert [len(batch) for batch in engine.batches] == [1, 6]
        assert {answer.batch for answer in answers} == {6}
        for number, answer in enumerate(answers, 1):
            alone = TorchEngine(policy).infer_batch([request(engine, number)])[0]
            np.testing.assert_allclose(answer.chunk.actions, alone.actions, atol=1e-4)
            assert answer.queued >= 0
            assert answer.computed > 0

    run(engine, test)


def test_batches_are_no_larger_than_allowed(policy: Policy) -> None:
    """Neither than the user's limit nor than the engine's."""
    for largest, wanted in ((3, 8), (8, 3)):
        engine = Held(policy, largest)

        async def test(batcher: Batcher, engine: Held = engine) -> None:
            assert batcher.max_batch == 3
            engine.hold()
            futures = [batcher.submit(client, request(engine)) for client in range(7)]
            await engine.thinking()
            engine.let_go()
            await asyncio.gather(*futures)
            sizes = [len(batch) for batch in engine.batches]
            assert max(sizes) == 3
            assert sum(sizes) == 7

        run(engine, test, wanted)


def test_only_the_newest_observation_is_computed(policy: Policy) -> None:
    """An answer to an old picture moves the stick for what is no longer there."""
    engine = Held(policy)

    async def test(batcher: Batcher) -> None:
        engine.hold()
        running = batcher.submit("a", request(engine, 1))
        await engine.thinking()
        old = [batcher.submit("a", request(engine, number)) for number in range(2, 6)]
        newest = batcher.submit("a", request(engine, 6))
        for future in old:
            assert future.done(), "it is known at once"
            with pytest.raises(Superseded):
                await future
        engine.let_go()
        await asyncio.gather(running, newest)
        assert [[number_of(one) for one in batch] for batch in engine.batches] == [[1], [6]]

    run(engine, test)


def test_a_newer_observation_keeps_the_place_in_the_line(policy: Policy) -> None:
    """Who sends often must neither jump the line nor be sent to its end."""
    engine = Held(policy, max_batch=1)

    async def test(batcher: Batcher) -> None:
        engine.hold()
        futures = [batcher.submit("running", request(engine))]
        await engine.thinking()
        futures += [batcher.submit(name, request(engine, i)) for i, name in enumerate("abc", 1)]
        futures += [batcher.submit("b", request(engine, 9))]
        futures += [batcher.submit("a", request(engine, 8))]
        engine.let_go()
        await asyncio.gather(*futures, return_exceptions=True)
        assert [number_of(batch[0]) for batch in engine.batches] == [0, 8, 9, 3]

    run(engine, test)


def test_nobody_starves(policy: Policy) -> None:
    """Two clients that ask without a pause beside six: each is served as often as another."""
    engine = Held(policy)
    served: Counter[int] = Counter()

    async def client(batcher: Batcher, number: int, until: Callable[[], bool]) -> None:
        while not until():
            await batcher.submit(number, request(engine, number))
            served[number] += 1

    async def flood(batcher: Batcher, number: int, until: Callable[[], bool]) -> None:
        while not until():
            future = [batcher.submit(number, request(engine, number)) for _ in range(20)][-1]
            await future
            served[number] += 1

    async def test(batcher: Batcher) -> None:
        def enough() -> bool:
            return min((served[number] for number in range(9)), default=0) >= 20

        tasks = [client(batcher, number, enough) for number in range(7)]
        tasks += [flood(batcher, number, enough) for number in (7, 8)]
        await asyncio.gather(*tasks)
        assert max(served.values()) <= 30, served

    run(engine, test, max_batch=3)


def test_clients_that_come_back_at_once_are_waited_for(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without that, clients once served in two halves would stay in two halves.

    Whoever is not known yet is not waited for, so the first batches may have any size.
    """
    engine = Held(policy)
    engine_takes = 0.8  # clients are waited for half as long, however busy the machine is
    monkeypatch.setattr(nitropilot.server.policy_server.batcher, "LONGEST_WAIT_S", engine_takes)

    def slow(_request: Request) -> None:
        threading.Event().wait(engine_takes / 8)

    async def client(batcher: Batcher, number: int) -> None:
        for _ in range(8):
            await batcher.submit(number, request(engine, number))

    async def test(batcher: Batcher) -> None:
        engine.fails_for = slow
        await asyncio.gather(*(client(batcher, number) for number in range(8)))
        sizes = [len(batch) for batch in engine.batches]
        assert sizes.count(8) >= 3, sizes

    run(engine, test)


def test_who_thinks_long_is_not_waited_for(policy: Policy) -> None:
    """A player whose chunk plays for a third of a second must not cost another one time."""
    engine = Held(policy)

    async def test(batcher: Batcher) -> None:
        for _ in range(3):
            await batcher.submit("slow", request(engine))
            await asyncio.sleep(0.1)
        assert batcher._timings["slow"].returned_after >= 0.1
        await batcher.submit("quick", request(engine))
        with batcher._changed:
            batcher._waiting["quick"] = object()  # type: ignore[assignment]
            batcher._timings["slow"].answered = 1e12
            wait = batcher._worth_waiting()
            del batcher._waiting["quick"]
        assert wait == 0

    run(engine, test)


@pytest.mark.parametrize(
    ("error", "seen"),
    [(InferenceFailed("cut on purpose"), "cut on purpose"),
     (RuntimeError("secret /path/of/ours"), "made a mistake")],
    ids=["known", "unknown"],
)  # fmt: skip
def test_one_request_that_fails_harms_no_other(
    policy: Policy, error: Exception, seen: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The others of the batch are computed again without it; it alone hears of its fault."""
    engine = Held(policy)
    engine_error = error

    async def test(batcher: Batcher) -> None:
        engine.fails_for = lambda one: engine_error if number_of(one) == 13 else None
        engine.hold()
        before = batcher.submit("before", request(engine))
        await engine.thinking()
        good = [batcher.submit(number, request(engine, number)) for number in range(1, 4)]
        bad = batcher.submit("bad", request(engine, 13))
        engine.let_go()
        await before
        assert all(isinstance(answer, Done) for answer in await asyncio.gather(*good))
        with pytest.raises(NitroPilotError, match=seen) as failure:
            await bad
        assert "secret" not in failure.value.line()
        assert (await batcher.submit("bad", request(engine, 1))).batch >= 1

    run(engine, test)
    assert ("secret" in caplog.text) == isinstance(error, RuntimeError), "the log has it all"


def test_who_has_gone_is_not_computed(policy: Policy) -> None:
    """A client that left must cost the others nothing."""
    engine = Held(policy)

    async def test(batcher: Batcher) -> None:
        engine.hold()
        running = batcher.submit("running", request(engine, 1))
        await engine.thinking()
        gone = batcher.submit("gone", request(engine, 2))
        stays = batcher.submit("stays", request(engine, 3))
        batcher.forget("gone")
        batcher.forget("running")
        engine.let_go()
        await asyncio.gather(running, stays)
        assert [[number_of(one) for one in batch] for batch in engine.batches] == [[1], [3]]
        assert not gone.done()
        assert batcher._timings.keys() == {"stays"}, "nothing is kept of those who left"

    run(engine, test)


def test_a_client_that_leaves_while_others_are_waited_for(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it asked for is gone then, and an empty batch is not the end of serving."""
    monkeypatch.setattr(nitropilot.server.policy_server.batcher, "LONGEST_WAIT_S", PATIENCE_S)
    engine = Held(policy)

    async def test(batcher: Batcher) -> None:
        for _ in range(2):  # so that each is known to come back at once
            await asyncio.gather(*(batcher.submit(name, request(engine)) for name in "ab"))
        batcher._last_s = 2 * PATIENCE_S
        batcher.submit("a", request(engine))
        await asyncio.sleep(0.2)  # "b" is waited for
        batcher.forget("a")
        await asyncio.sleep(0.2)
        batcher.forget("b")
        assert (await batcher.submit("c", request(engine))).batch == 1

    run(engine, test)


def test_a_client_that_leaves_while_it_is_computed(policy: Policy) -> None:
    """Its future was cancelled with its connection; the thread must not stumble over it."""
    engine = Held(policy)

    async def test(batcher: Batcher) -> None:
        engine.hold()
        running = batcher.submit("a", request(engine))
        await engine.thinking()
        running.cancel()
        engine.let_go()
        assert (await batcher.submit("b", request(engine))).batch == 1

    run(engine, test)


def test_the_end(policy: Policy) -> None:
    """What waits is told so, and so is who comes later; what is computed is finished."""
    engine = Held(policy)

    async def test(batcher: Batcher) -> None:
        engine.hold()
        running = batcher.submit("a", request(engine))
        await engine.thinking()
        waiting = batcher.submit("b", request(engine))
        batcher.stop()
        with pytest.raises(ShuttingDown):
            await waiting
        with pytest.raises(ShuttingDown):
            await batcher.submit("c", request(engine))
        engine.let_go()
        assert await batcher.ended()
        assert isinstance(await running, Done)

    run(engine, test)


def test_an_engine_that_does_not_work() -> None:
    """It is said before the first client comes, and the thread is gone."""

    class Broken(Held):
        def infer_batch(self, requests: Sequence[Request]) -> list[ActionChunk]:
            raise ServerError("broken on purpose")

    engine = Broken(random_policy("tiny", 0))

    async def main() -> None:
        batcher = Batcher(engine, 8, asyncio.get_running_loop())
        with pytest.raises(ServerError, match="broken on purpose"):
            await batcher.ready
        assert await batcher.ended()

    asyncio.run(main())


def test_every_size_is_warm(policy: Policy) -> None:
    """Many engines prepare a batch size when they first meet it: not in somebody's play."""
    engine = Held(policy)
    sizes: list[int] = []

    async def main() -> None:
        batcher = Batcher(engine, 4, asyncio.get_running_loop())
        await batcher.ready
        sizes.extend(len(batch) for batch in engine.batches)
        batcher.stop()
        assert await batcher.ended()

    asyncio.run(main())
    assert sizes[:2] == [1, 4]
    assert set(sizes) <= {1, 2, 3, 4}
