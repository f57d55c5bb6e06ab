"""``nitropilot policies``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nitropilot.server.cli.terminal.output import JsonOption, print_json, print_table
from nitropilot.server.cli.terminal.progress import progress_bar
from nitropilot.server.store.settings_store import SettingsStore

policies = typer.Typer(help="Look at policies.", no_args_is_help=True)


@policies.callback()
def _group() -> None:
    """Look at policies."""


@policies.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="A checkpoint: .pt, .safetensors or a folder.")],
    as_json: Annotated[bool, JsonOption] = False,
) -> None:
    """Show a checkpoint's sizes, parameter count, horizon and games."""
    from nitropilot.policy import describe

    facts = describe(file).model_dump(mode="json")
    if as_json:
        print_json(facts)
    else:
        print_table(str(file), ("what", "value"), list(facts.items()))


@policies.command("list")
def list_policies(as_json: Annotated[bool, JsonOption] = False) -> None:
    """List the checkpoints of the models folder and the hub's cache."""
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
