"""``nitropilot replay``: the decisions of a session once more, on any engine."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from nitropilot.agent.errors import ReplayError
from nitropilot.agent.record.replaying import Replayed, Session, read_session, replay
from nitropilot.engines import load_engine
from nitropilot.policy.naming import is_there
from nitropilot.server.cli.terminal.output import (
    EXIT_FAILED,
    JsonOption,
    print_error,
    print_json,
    print_table,
)
from nitropilot.texts import shown

RANDOM = re.compile(r"random:(\w+) \(seed (\d+)\)")


def replay_session(
    trace: Annotated[Path, typer.Argument(help="A trace, or the folder of a session.")],
    policy: Annotated[
        str | None, typer.Option(help="The checkpoint that played; default: as the trace says.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine to compute on.")] = "auto",
    device: Annotated[str, typer.Option(help="Where.")] = "auto",
    precision: Annotated[str, typer.Option(help="In what numbers.")] = "auto",
    server: Annotated[
        str, typer.Option(help="Policy server that computes, ws://HOST:PORT, with its own policy.")
    ] = "",
    server_token: Annotated[
        str,
        typer.Option(envvar="NITROPILOT_SERVER_TOKEN", help="What the policy server asks for."),
    ] = "",
    chunk: Annotated[
        int | None, typer.Option(min=0, help="Only this chunk, and print its actions.")
    ] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Compute the chunks of a session again from what its policy was shown, and compare them.

    The same policy on the same engine gives the same chunks, bit for bit; on another engine the
    difference is that of the engines.  Exit 1: not all that was kept can be read.
    """
    if server and engine not in ("auto", "remote"):
        raise typer.BadParameter("a --server goes with no other engine", param_hint="--engine")
    session = read_session(trace)
    remote = server or engine == "remote"
    loaded = load_engine(
        policy or ("" if remote else _policy_of(session)), engine=engine, device=device,
        precision=precision, server=server, token=server_token,
        steps=None if remote else _steps_of(session),
    )  # fmt: skip
    found: list[Replayed] = []
    trouble: ReplayError | None = None
    try:
        for one in replay(session, loaded, chunk):
            found.append(one)
    except ReplayError as error:
        trouble = error
        if not found:
            raise
    finally:
        runs = f"{loaded.info.name} on {loaded.info.device}, {loaded.info.precision}"
        loaded.close()
    if not found:
        raise typer.BadParameter(f"chunk {chunk} is not kept", param_hint="--chunk")
    facts = _facts(session, found, runs)
    if as_json:
        more = {"actions": found[0].actions.tolist()} if chunk is not None else {}
        print_json(facts | more)
    else:
        print_table("Replay", ("what", "value"), list(facts.items()))
    if trouble is not None:
        print_error(trouble.line())
        sys.stdout.flush()
        raise typer.Exit(EXIT_FAILED)


def _steps_of(session: Session) -> int | None:
    """Euler steps that were asked for in the play; None: the policy's own."""
    steps = session.header["policy"].get("steps")
    return steps if type(steps) is int else None


def _policy_of(session: Session) -> str:
    """What ``load_engine`` takes for the policy that the trace names."""
    name = str(session.header["policy"]["name"])
    if match := RANDOM.fullmatch(name):
        return f"random:{match[1]}:{match[2]}"
    file = session.header["policy"].get("file")
    places = [file, name] if isinstance(file, str) and file else [name]
    for place in places:
        if is_there(place):
            return place
    raise typer.BadParameter(
        f"name the file of {name!r}, which played; there is no {shown(places[0])}",
        param_hint="--policy",
    )


def _facts(session: Session, found: list[Replayed], runs: str) -> dict[str, Any]:
    played = [session.header["engine"], (session.end or {}).get("engine")]
    return {
        "policy": session.header["policy"]["name"],
        "played_on": ", then ".join(
            f"{one.get('name')} on {one.get('device')}, {one.get('precision')}"
            for one in played
            if isinstance(one, dict)
        ),
        "replayed_on": runs,
        "trace": session.trace,
        "chunks": len(session.actions),
        "replayed": len(found),
        "first": found[0].number,
        "last": found[-1].number,
        "identical": sum(one.error == 0 for one in found),
        "worst_error": max(one.error for one in found),
        "same_buttons": min(one.buttons for one in found),
    }
