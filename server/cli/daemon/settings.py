"""``nitropilot settings``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from nitropilot.server.auth.token import load_or_create_token
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note, print_table
from nitropilot.server.errors import NoDaemon
from nitropilot.server.host.running import ask, find_running
from nitropilot.server.store.settings import allowed, flat
from nitropilot.server.store.settings_store import SettingsStore

settings = typer.Typer(help="Show and change the daemon's settings; it need not run.")
PATH = "/api/v1/settings"


@settings.callback(invoke_without_command=True)
def show(context: typer.Context, as_json: Annotated[bool, JsonOption] = False) -> None:
    """Show all settings, and what each takes."""
    if context.invoked_subcommand is not None:
        return
    store = SettingsStore()
    values = flat(store.current)
    if as_json:
        print_json({"file": store.path, "settings": store.current.model_dump(mode="json")})
        return
    rows = [(key, json.dumps(value), allowed(key)) for key, value in values.items()]
    print_table(f"Settings ({store.path})", ("setting", "value", "takes"), rows)


@settings.command("set")
def change(
    key: Annotated[str, typer.Argument(help="Such as play.mode.")],
    value: Annotated[str, typer.Argument(help="A JSON value or a plain word; null for none.")],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Change one setting, in a running daemon too."""
    section, _, name = key.partition(".")
    store = SettingsStore()
    now = store.change({section: {name: _parsed(value)}})
    taken = _reload()
    if as_json:
        print_json({"settings": now.model_dump(mode="json"), "daemon": taken})
        return
    print_note(f"{key} is {json.dumps(flat(now)[key])}")
    if taken is None:
        print_note("no daemon runs; the next one begins with it")


@settings.command()
def reload(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Have the running daemon read the file of settings again."""
    SettingsStore()  # a mistake in the file is better said here than in the daemon's log
    answer = ask("POST", f"{PATH}/reload", load_or_create_token())
    if as_json:
        print_json(answer)
    else:
        print_note("the daemon has read its settings again")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _reload() -> bool | None:
    """Whether a running daemon has taken the change; None when none runs."""
    try:
        find_running()
        return bool(ask("POST", f"{PATH}/reload", load_or_create_token())["taken"])
    except NoDaemon:
        return None
