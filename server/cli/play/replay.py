"""``nitropilot replay``: the decisions of a session once more, on any engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from nitropilot.agent.record.replaying import Replayed, Session, read_session, replay
from nitropilot.engines import load_engine
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_table

RANDOM = re.compile(r"random:(\w+) \(seed (\d+)\)")


def replay_session(
    trace: Annotated[Path, typer.Argument(help="A trace, or the folder of a session.")],
    policy: Annotated[
        str | None, typer.Option(help="The checkpoint that played; default: as the trace says.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine to compute on.")] = "auto",
    device: Annotated[str, typer.Option(help="Where.")] = "auto",
    precision: Annotated[str, typer.Option(help="In what numbers.")] = "auto",
    chunk: Annotated[
        int | None, typer.Option(min=0, help="Only this chunk, and print its actions.")
    ] = None,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Compute the chunks of a session again from what its policy was shown, and compare them.

    The same policy on the same engine gives the same chunks; on another engine the difference
    is that of the engines.
    """
    session = read_session(trace)
    loaded = load_engine(
        policy or _policy_of(session), engine=engine, device=device, precision=precision
    )
    try:
        found = [one for one in replay(session, loaded) if chunk in (None, one.number)]
        runs = f"{loaded.info.name} on {loaded.info.device}, {loaded.info.precision}"
    finally:
        loaded.close()
    if not found:
        raise typer.BadParameter(f"chunk {chunk} is not kept", param_hint="--chunk")
    facts = _facts(session, found, runs)
    if as_json:
        more = {"actions": found[0].actions.tolist()} if chunk is not None else {}
        print_json(facts | more)
    else:
        print_table("Replay", ("what", "value"), list(facts.items()))


def _policy_of(session: Session) -> str:
    """What ``load_engine`` takes for the policy that the trace names."""
    name = str(session.header["policy"]["name"])
    if match := RANDOM.fullmatch(name):
        return f"random:{match[1]}:{match[2]}"
    if Path(name).exists():
        return name
    raise typer.BadParameter(f"name the file of {name!r}, which played", param_hint="--policy")


def _facts(session: Session, found: list[Replayed], runs: str) -> dict[str, Any]:
    played = session.header["engine"]
    return {
        "policy": session.header["policy"]["name"],
        "played_on": f"{played['name']} on {played['device']}, {played['precision']}",
        "replayed_on": runs,
        "chunks": len(session.actions),
        "replayed": len(found),
        "first": found[0].number,
        "last": found[-1].number,
        "worst_error": max(one.error for one in found),
        "same_buttons": min(one.buttons for one in found),
    }
