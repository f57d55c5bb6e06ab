"""The card of a policy that comes with NitroPilot, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nitropilot.agent.session.familiar import listed
from nitropilot.server.cli.terminal.output import console, print_table

if TYPE_CHECKING:
    from nitropilot.policy.shipped.card import Card


def print_card(card: Card, *, untrained: bool) -> None:
    """Print it.

    Args:
        card: Which.
        untrained: Whether its weights are random.
    """
    for line in lines_of(card, untrained=untrained):
        console().print(line, markup=False, highlight=False)
    if rows := rows_of(card):
        print_table("How it plays", ("task", "game", "won", "95 %", "progress"), rows)


def rows_of(card: Card) -> list[tuple[str, ...]]:
    """Its table: task, whether the game was seen in training, won, interval, progress."""
    return [
        (
            each.task, "seen" if each.game in card.trained_on else "unseen",
            f"{each.successes} of {each.episodes}", f"{each.low:.2f} to {each.high:.2f}",
            f"{each.progress:.2f}",
        )
        for each in (card.measured.tasks if card.measured is not None else ())
    ]  # fmt: skip


def lines_of(card: Card, *, untrained: bool) -> list[str]:
    """What it says beside its table, a line each."""
    lines = [
        f"{card.name} comes with NitroPilot, and plays where no other policy is named.",
        f"{card.parameters:,} parameters in {card.bytes / 1e6:.1f} MB; it sees "
        f"{card.image_size} x {card.image_size} pixels and gives {card.horizon} actions, of which "
        f"{card.actions or card.horizon} are played, in {card.steps} steps of the sampler.",
    ]
    if untrained:
        lines += ["Its weights are random: it presses buttons, it does not play."]
    else:
        lines += [
            f"Trained on {listed(card.trained_on)}. On other games do not expect it to play well: "
            "fine-tune it (nitropilot finetune), or choose another policy."
        ]
    if card.held_out is not None:
        lines += [f"Held out: {card.held_out}, of which it saw nothing and by which nothing was "
                  "chosen."]  # fmt: skip
    recipe = card.recipe
    lines += [f"Made by `{recipe.command}` with seed {recipe.seed} in {recipe.minutes:g} minutes."]
    lines += [f"Not as the preset `paper`: {', '.join(recipe.differs)}."] if recipe.differs else []
    if card.measured is None:
        return [*lines, "Nobody has measured how it plays yet."]
    how = card.measured.how
    measured = (
        f"Measured with {how.actions} of {card.horizon} actions played and {how.steps} steps, "
        f"{how.engine}, on {how.machine}."
    )
    return [*lines, measured]
