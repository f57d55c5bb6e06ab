"""``train --dry-run``, and that of ``finetune``: what a step would take, before data is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nitropilot.places import spelled
from nitropilot.server.cli.terminal.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nitropilot.server.cli.training.options import Common

ROWS = {
    "weights": "weights",
    "moments": "the optimiser's moments",
    "average": "their moving average",
    "anchor": "the policy that anchors",
    "gradients": "gradients",
    "activations": "kept for the way back",
    "most": "at the most",
}


def say_memory(options: Common, otherwise: Mapping[str, Any]) -> None:
    """Print how much memory a step would take in one process; no data is read.

    Args:
        options: Of the command.
        otherwise: What the command does where nothing is said.
    """
    from nitropilot.training.trainer.config import read_config
    from nitropilot.training.trainer.memory import memory_of

    path = None if options.config is None else spelled(options.config)
    config = read_config(path, options.given(), {**otherwise, "steps": 1})
    facts = memory_of(config).facts()
    if options.as_json:
        print_json({"policy": config.run.policy, "batch_size": config.run.batch_size, **facts})
        return
    rows = [
        ("parameters", f"{facts['parameters']:,}"),
        ("of them trained", f"{facts['trained']:,}"),
        *((words, _size(facts[name])) for name, words in ROWS.items()),
    ]
    print_table(f"{config.run.policy}, {config.run.batch_size} samples a step", ("", ""), rows)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"
