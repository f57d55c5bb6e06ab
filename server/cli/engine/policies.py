"""``nitropilot policies``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nitropilot.places import spelled
from nitropilot.policy.naming import DEFAULT, SHIPPED
from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_note, print_table
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.cli.terminal.pushed import PublicOption, pushed_line
from nitropilot.server.store.settings_store import SettingsStore

policies = typer.Typer(help="Look at policies.", no_args_is_help=True)


@policies.callback()
def _group() -> None:
    """Look at policies."""


@policies.command()
def inspect(
    policy: Annotated[
        str, typer.Argument(help=f"{DEFAULT}, or a checkpoint: .pt, .safetensors or a folder.")
    ],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Show a checkpoint's sizes, parameter count, horizon and games; of pocket, how it plays."""
    from nitropilot.policy import describe
    from nitropilot.policy.shipped.card import read_card
    from nitropilot.server.cli.engine.card import print_card

    facts = describe(policy).model_dump(mode="json")
    card = read_card(SHIPPED[policy]) if policy in SHIPPED else None
    if as_json:
        print_json(facts if card is None else {**facts, "card": card.model_dump(mode="json")})
        return
    if card is not None:
        print_card(card, untrained=facts["is_random"])
    print_table(policy, ("what", "value"), list(facts.items()))


@policies.command()
def merge(
    base: Annotated[str, typer.Argument(help="The policy that the adapters were trained on.")],
    adapters: Annotated[str, typer.Argument(help="adapters.safetensors of a run with --lora.")],
    out: Annotated[str, typer.Option(help="The new policy's file, .safetensors.")],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Add adapters to the policy that they were trained on: an ordinary checkpoint."""
    from nitropilot.policy.files.adapters import adapted
    from nitropilot.policy.files.checkpoint import policy_of, save_policy
    from nitropilot.policy.files.formats import read_checkpoint

    path = spelled(out)
    save_policy(policy_of(adapted(read_checkpoint(base), spelled(adapters))), path)
    if as_json:
        print_json({"policy": str(path)})
    else:
        typer.echo(str(path))


@policies.command("list")
def list_policies(as_json: Annotated[bool, JsonOption] = False) -> None:
    """List what comes with NitroPilot, and the checkpoints of the models folder and the hub."""
    from nitropilot.server.store.policies import PolicyCatalogue, models_folder

    folder = models_folder(SettingsStore().current)
    found = PolicyCatalogue().all(folder)
    if as_json:
        print_json({"folder": folder, "policies": [vars(policy) for policy in found]})
        return
    rows = []
    for policy in found:
        facts = policy.facts or {}
        size = "" if policy.size is None else f"{policy.size / 2**20:.0f} MiB"
        about = policy.error or (f"{facts['parameters']:,} parameters" if facts else "")
        rows.append((policy.name, policy.place, size, about))
    print_table(f"Policies ({folder})", ("policy", "from", "size", "about"), rows)


@policies.command("pull")
def pull_policy(
    name: Annotated[str, typer.Argument(help="namespace/name[@revision] on the hub.")],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Fetch a checkpoint into the models folder; what was cut off goes on where it was."""
    from nitropilot.server.jobs.pulling import pull
    from nitropilot.server.store.policies import models_folder

    with progress_bar() as tell:
        pulled = pull(name, models_folder(SettingsStore().current), tell)
    if as_json:
        print_json(pulled)
    else:
        typer.echo(pulled["policy"])


@policies.command("push")
def push_policy(
    policy: Annotated[str, typer.Argument(metavar="FILE", help="A checkpoint, or its folder.")],
    repo: Annotated[str, typer.Argument(metavar="REPO", help="namespace/name on the hub.")],
    card: Annotated[
        Path | None,
        typer.Option(help="Its card; else README.md beside it, or one made of what it says."),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="For a card that is made, as the hub names it.")
    ] = None,
    public: Annotated[bool, PublicOption] = False,
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Publish a policy and its card; without a card that names a licence nothing is pushed."""
    from nitropilot.server.cli.engine.policy_card import card_of
    from nitropilot.server.jobs.pushing import push_policy as push

    place = spelled(policy)
    with progress_bar() as tell:
        done = push(place, card_of(place, card and spelled(card), licence), repo, not public, tell)
    if as_json:
        print_json(vars(done))
    else:
        print_note(pushed_line(done))
