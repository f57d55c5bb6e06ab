"""A parser's card: what it is, how it was made, and what it scores, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nitropilot.dataset.parsing.files import load_parser, save_parser, written
from nitropilot.dataset.teaching.skins import on_skins, summary
from nitropilot.dataset.templates.library import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from nitropilot.dataset.templates.template import Template

SECONDS = 10.0
"""Of the clip of each skin."""
HEAD = (
    "| on | accuracy | always off | macro-F1 (always off: 0) | R2 of sticks | always centre |",
    "| --- | --- | --- | --- | --- | --- |",
)


def describe(
    path: Path,
    templates: Iterable[Template] | None = None,
    seconds: float = SECONDS,
    tell: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Hold a parser against skins that it was never shown, and write its card beside it.

    Args:
        path: Its file; what is measured is put into it too.
        templates: The skins; None: those that come along.
        seconds: Of the clip of each.
        tell: Is told which skin is read.

    Returns:
        What its file says of it now.

    Raises:
        BadWeights: It cannot be read.
        NotExtracted: The file or its card cannot be written.
    """
    parser, card = load_parser(path)
    skins = shipped().templates if templates is None else templates
    card["skins"] = summary(on_skins(parser, skins, seconds, tell=tell))
    save_parser(parser, card, path)
    with written(path.with_name(f"{path.name}.md")) as part:
        part.write_text(text_of(path.name, card), encoding="utf-8")
    return card


def text_of(name: str, card: Mapping[str, Any]) -> str:
    """A card as Markdown."""
    recipe, shape = card["recipe"], card["shape"]
    each = "".join(
        f"\n| {one['skin']} | {one['accuracy']:.4f} | {one['always_off']:.4f} "
        f"| {one['f1']:.3f} | {one['r2']:.3f} | {one['always_centre']:.3f} |"
        for one in card.get("skins", {}).get("each", ())
    )
    lines = [
        f"# {name}", "",
        "Reads what is pressed off controllers in videos whose skin no template knows.", "",
        f"- Network: {shape['encoder']} of widths {', '.join(map(str, shape['widths']))}, looking "
        f"at pairs of frames of {shape['width']} x {shape['height']}"
        + (" and their median" if shape["reference"] else ""),
        f"- Began with: {card['began']}",
        f"- Learned from {card['samples']:,} made-up samples in {card['minutes']:g} minutes, "
        f"{card['trainers']} trainers on {card['device']}, seed {recipe['seed']}",
        f"- Recipe: preset {recipe['preset']}, batch {recipe['batch']}, rate {recipe['rate']:g}, "
        f"dense losses {recipe['dense']:g}", "",
        "Every score is on what was not learned from: made-up looks that are held out (single "
        "frames), and clips of the skins that come along (read as videos are, at their true box).",
        "", *HEAD,
    ]  # fmt: skip
    lines += [_row(f"made-up looks, {kind}", found) for kind, found in card["held_out"].items()]
    lines += [_row(f"{found['skins']} skins, {kind}", found)
              for kind, found in card.get("skins", {}).items() if kind != "each"]  # fmt: skip
    return "\n".join(lines) + each + "\n"


def _row(name: str, found: Mapping[str, Any]) -> str:
    return (
        f"| {name} | {found['accuracy']:.4f} | {found['always_off']:.4f} | {found['f1']:.3f} "
        f"| {found['r2']:.3f} | {found['always_centre']:.3f} |"
    )
