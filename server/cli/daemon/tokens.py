"""``nitropilot tokens`` and ``nitropilot url``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nitropilot.server.auth import Scope, TokenStore
from nitropilot.server.auth.token import load_or_create_token
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note, print_table
from nitropilot.server.host.running import post

if TYPE_CHECKING:
    from nitropilot.server.auth import TokenRecord

tokens = typer.Typer(
    help="Tokens for decks, overlays and scripts; they work without a running daemon.",
    no_args_is_help=True,
)


@tokens.command("list")
def list_tokens(as_json: Annotated[bool, JsonOption] = False) -> None:
    """List the named tokens; nobody can see their secrets again."""
    records = TokenStore().listed()
    if as_json:
        print_json({"tokens": [_facts(record) for record in records]})
        return
    rows = [(r.id, r.name, r.scope, r.created, r.last_used or "never") for r in records]
    print_table("Tokens", ("id", "name", "scope", "created", "last used"), rows)


@tokens.command("create")
def create_token(
    name: Annotated[str, typer.Option(help="For people, such as 'Stream Deck'.")],
    scope: Annotated[
        Scope,
        typer.Option(help="admin: everything; deck: buttons; overlay: see, and nothing else."),
    ],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Create a token and print its secret, this once, on stdout."""
    record, secret = TokenStore().create(name, scope)
    if as_json:
        print_json({"token": _facts(record), "secret": secret})
        return
    typer.echo(secret)
    print_note(f"{record.scope} token {record.id}; it is not shown again")


@tokens.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As in the list.")],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Revoke a token; a running daemon refuses it at once."""
    record = TokenStore().revoke(token_id)
    if as_json:
        print_json({"revoked": _facts(record)})
    else:
        print_note(f"revoked {record.scope} token {record.id} ({record.name})")


def url(as_json: Annotated[bool, JsonOption] = False) -> None:
    """Print an address that opens the running daemon in a browser, once."""
    answer = post("/api/v1/auth/codes", load_or_create_token())
    if as_json:
        print_json({"url": answer["url"], "seconds": answer["seconds"]})
    else:
        typer.echo(answer["url"])


def _facts(record: TokenRecord) -> dict[str, Any]:
    facts = asdict(record)
    del facts["digest"]
    return facts
