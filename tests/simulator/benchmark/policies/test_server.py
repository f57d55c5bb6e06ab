"""Policy servers of other programs, and of ours, on the wire that openpi's clients speak."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from websockets.sync.server import ServerConnection, serve

from nitropilot.engines.errors import EngineUnavailable
from nitropilot.engines.remote.wire import Limits, pack, unpack
from nitropilot.simulator.benchmark.policies.errors import CRASHED, RUBBISH, EntryError
from nitropilot.simulator.benchmark.policies.naming import parse_entry
from nitropilot.simulator.benchmark.policies.opening import Means
from nitropilot.simulator.benchmark.policies.server import open_server
from nitropilot.simulator.benchmark.runner.referee import Patience, Referee
from tests.server.policy_server.processes import policy_server
from tests.simulator.benchmark.runner.test_referee import play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RIGHT = np.tile(np.float32([0] * 16 + [1, 0, 0, 0]), (16, 1))


@contextmanager
def server(first: Any, answer: Callable[[Any], Any]) -> Iterator[str]:
    """A server that says ``first`` and then answers; its address."""

    def handle(connection: ServerConnection) -> None:
        connection.send(first if isinstance(first, str) else pack(first))
        for message in connection:
            said = answer(unpack(message, Limits(size=2**24)))
            if said is None:
                return
            connection.send(said if isinstance(said, str) else pack(said))

    with serve(handle, "127.0.0.1", 0, compression=None, max_size=None) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{listening.socket.getsockname()[1]}"
        listening.shutdown()
        thread.join()


def test_any_server_may_enter() -> None:
    """One that knows nothing of NitroPilot plays whole episodes."""
    asked: list[Any] = []

    def answer(request: Any) -> Any:
        asked.append(request)
        return {"actions": RIGHT, "server_timing": {"infer_ms": 3.0}}

    with (
        server({"name": "somebody's", "action_shift": 3}, answer) as address,
        closing(Referee(Means(), Patience())) as referee,
    ):
        card = referee.enter(parse_entry(address))
        assert (card.kind, card.shift, card.hz, card.digest) == ("server", 3, 60, "")
        done, trace = play(referee, address)
        play(referee, address)
    assert done["end"] == "lost"
    assert np.array_equal(trace[:, 16], [0, 0, *np.ones(len(trace) - 2)])
    assert [request["reset"] for request in asked].count(True) == 2
    assert asked[0]["reset"] and not asked[1]["reset"]
    assert asked[0]["observation/image"].shape == (256, 256, 3)
    assert asked[0]["prompt"] == "reach the flag"
    assert asked[1]["info"]["step"] == 16


@pytest.mark.parametrize(
    ("answer", "how", "said"),
    [
        ("Traceback: no such key\nKeyError: state", CRASHED, "the server says: Traceback"),
        (None, CRASHED, "the connection ended"),
        ({"action": RIGHT}, RUBBISH, "its answer has no actions"),
        ({"actions": RIGHT[:, :7]}, RUBBISH, "the answer has the shape (16, 7)"),
        ({"actions": RIGHT * np.float32(np.nan)}, RUBBISH, "is nan"),
        ([1, 2], RUBBISH, "its answer has no actions"),
    ],
)
def test_a_servers_failure_is_its_own(answer: Any, how: str, said: str) -> None:
    """What it answers in place of actions is in the record."""
    with (
        server({}, lambda _request: answer) as address,
        closing(Referee(Means(), Patience())) as referee,
    ):
        done, _ = play(referee, address)
    assert (done["end"], done["steps"]) == (how, 0)
    assert said in done["error"]


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ({"action_shift": "late"}, "action_shift is 'late'"),
        ({"action_hz": 45}, "45 times a second"),
        ([1], "no map"),
        ({"server": "nitropilot"}, "says nothing of"),
    ],
)
def test_what_does_not_speak_this_wire(first: Any, said: str) -> None:
    """Refused before anything is played."""
    with (
        server(first, lambda _request: None) as address,
        pytest.raises((EntryError, EngineUnavailable)) as error,
    ):
        open_server(parse_entry(address))
    assert said in str(error.value)


def test_nobody_there() -> None:
    """The address is in the error, and how to start a server."""
    with server({}, lambda _request: None) as address:
        pass
    with pytest.raises(EngineUnavailable, match=address) as error:
        open_server(parse_entry(address))
    assert "is it running" in error.value.hint


def test_a_server_of_ours_is_asked_as_play_asks_it(tmp_path: Path) -> None:
    """The policy behind it plays as it plays here, to the last bit."""
    with (
        policy_server(tmp_path) as ours,
        closing(Referee(Means("torch", "cpu"), Patience())) as referee,
    ):
        there = referee.enter(parse_entry(ours.address))
        assert there.name == ours.address
        here = referee.enter(parse_entry("random:tiny"))
        assert (there.digest, there.shift, there.random) == (here.digest, here.shift, True)
        (one, trace), (other, again) = (play(referee, n) for n in (ours.address, "random:tiny"))
    assert (one["end"], one["facts"]) == (other["end"], other["facts"])
    assert np.array_equal(trace, again)
