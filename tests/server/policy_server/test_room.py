"""Who has a place at a policy server when all are taken: real clients, from several addresses."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, closing
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from nitropilot.engines import load_engine
from nitropilot.server.daemon.serving import listen
from nitropilot.server.policy_server.room import Patience
from nitropilot.server.policy_server.service import Service, ServiceOptions
from tests.server.processes import PATIENCE_S, POLICY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from websockets.asyncio.client import ClientConnection

    Come = Callable[[str], Awaitable[ClientConnection]]

PLACES = 4


def at_a_server(play: Callable[[Come], Awaitable[None]], patience: Patience) -> None:
    """Play with a server of four places; ``come`` connects from an address and is welcomed."""

    async def serve() -> None:
        listener = listen("127.0.0.1", 0)
        port = listener.getsockname()[1]
        stop, there = asyncio.Event(), asyncio.Event()
        with closing(load_engine(POLICY, engine="torch")) as engine:
            service = Service(engine, listener, ServiceOptions("", 1, PLACES, patience))
            running = asyncio.create_task(service.run(stop, there.set))
            try:
                async with asyncio.timeout(PATIENCE_S), AsyncExitStack() as stack:
                    await there.wait()

                    async def come(source: str) -> ClientConnection:
                        connecting = connect(
                            f"ws://127.0.0.1:{port}", local_addr=(source, 0), proxy=None
                        )
                        client = await stack.enter_async_context(connecting)
                        await client.recv()
                        return client

                    await play(come)
            finally:
                stop.set()
                await running

    asyncio.run(serve())


async def end_of(client: ClientConnection) -> int:
    """The code that the server ends a connection with."""
    with pytest.raises(ConnectionClosed) as closed:
        await client.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_one_address_cannot_keep_others_out() -> None:
    """A neighbour who takes every place shares them once somebody else comes."""

    async def play(come: Come) -> None:
        greedy = [await come("127.0.0.77") for _ in range(PLACES)]
        with pytest.raises(InvalidStatus) as refused:
            await come("127.0.0.77")
        assert refused.value.response.status_code == 429
        await come("127.0.0.78")
        await come("127.0.0.79")
        assert [await end_of(client) for client in greedy[:2]] == [1013, 1013]
        with pytest.raises(InvalidStatus):
            await come("127.0.0.77")
        await come("127.0.0.80")

    at_a_server(play, Patience())


def test_a_silent_client_gives_way() -> None:
    """Whoever only holds a place must not keep a player out of it."""

    async def play(come: Come) -> None:
        silent = [await come("127.0.0.1") for _ in range(PLACES)]
        await asyncio.sleep(0.2)
        await come("127.0.0.1")
        assert await end_of(silent[0]) == 1013

    at_a_server(play, Patience(gives_way_s=0.1))


def test_an_idle_client_is_turned_out() -> None:
    """Also without anybody who wants its place: a client that has died does not say so."""

    async def play(come: Come) -> None:
        assert await end_of(await come("127.0.0.1")) == 1000

    at_a_server(play, Patience(idle_s=0.2))
