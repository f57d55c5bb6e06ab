"""``nitropilot status``."""

from __future__ import annotations

from typing import Annotated, Any

from nitropilot.server.auth.token import load_or_create_token
from nitropilot.server.cli.terminal.output import JsonOption, console, print_json, print_table
from nitropilot.server.host.running import ask, find_running


def status(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Ask the running daemon how it goes."""
    daemon = find_running()
    answer = ask("GET", "/api/v1/status", load_or_create_token())
    if as_json:
        print_json({"url": daemon.url, "pid": daemon.pid, **answer})
        return
    screen = console()
    screen.print(f"NitroPilot {answer['version']} at {daemon.url}, process {daemon.pid}")
    screen.print(f"policy: {answer['policy'] or 'none'}", markup=False)
    pad = next((p["name"] for p in answer["pads"] if p["available"]), "none")
    screen.print(f"engine: {_engine(answer)}; pad: {pad}", markup=False)
    if not answer["sessions"]:
        screen.print("no sessions")
        return
    columns = ("id", "state", "game", "mode", "actions", "recording", "waits for or ended by")
    print_table("Sessions", columns, [_row(session) for session in answer["sessions"]])


def _engine(answer: dict[str, Any]) -> str:
    """What computes: what really runs, else what was asked for."""
    if running := answer["engine"]:
        return f"{running['name']} on {running['device']}, {running['precision']}"
    if asked := [word for word in answer["wish"].values() if word != "auto"]:
        return f"{', '.join(asked)}, not loaded"
    fastest = next((e["name"] for e in answer["engines"] if e["available"]), "none")
    return f"{fastest} is the fastest here, not loaded"


def _row(session: dict[str, Any]) -> tuple[object, ...]:
    ended = session["end"]["reason"] if session["end"] else ""
    recording = session["recording"]
    return (
        session["id"],
        session["state"],
        session["game"]["executable"] if session["game"] else "",
        session["mode"] or "",
        session["stats"]["actions_sent"],
        f"{recording['frames']} frames" if recording["enabled"] else recording["warning"] or "off",
        "; ".join(filter(None, (ended or session["waiting_for"], session["trace_warning"]))),
    )
