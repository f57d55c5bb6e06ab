"""The skins that come along: which pad in which style."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nitropilot.dataset.skinmaking import layouts
from nitropilot.dataset.skinmaking.style import Knob, Press, Pull, Style

if TYPE_CHECKING:
    from collections.abc import Callable

LETTERS = {"south": "#5fc04a", "east": "#e5483f", "west": "#3b8be8", "north": "#f2c230"}
SHAPES = {"south": "#7aa7e8", "east": "#e8696b", "west": "#d993c4", "north": "#6cc3a0"}


@dataclass(frozen=True)
class Skin:
    """One of them.

    Attributes:
        name: Its folder.
        family: What is written on its buttons.
        build: Where everything is.
        style: How it is drawn.
        codes: Whether its file says buttons by ``position`` or by ``label``.
        partial: Whether it lacks something on purpose.
        player: Whether its guide button shows a player's number too.
    """

    name: str
    family: str
    build: Callable[[], layouts.Layout]
    style: Style
    codes: str = "position"
    partial: bool = False
    player: bool = False


_DARK = Style(
    body="#2b2d33", body_below="#191a1e", edge="#0b0b0d", edge_width=4, key="#3b3e46",
    key_below="#26282e", line="#0e0f12", line_width=3, sign="#d7dae0", lit="#f4f6fa",
    sign_lit="#15161a", well="#141519", knob_colour="#4a4e58",
)  # fmt: skip
_LIGHT = Style(
    body="#f3f4f6", body_below="#cfd3da", edge="#8b909b", edge_width=4, key="#ffffff",
    key_below="#dfe2e8", line="#7b808c", line_width=2.5, sign="#3c4049", lit="#2f7df6",
    sign_lit="#ffffff", well="#c3c8d1", knob_colour="#eceef2",
)  # fmt: skip
_OUTLINE = Style(edge="#ffffff", edge_width=3, knob=Knob.RING, knob_colour="#ffffff")

SKINS = (
    Skin(
        "xbox-dark", "xbox", layouts.offset_sticks,
        replace(_DARK, signs=LETTERS, lit_by_sign=True, press=Press.FILL, pull=Pull.UP),
        player=True,
    ),
    Skin(
        "xbox-light", "xbox", layouts.offset_sticks,
        replace(_LIGHT, press=Press.OFFSET, pull=Pull.BUTTON, one_dpad=False, shadow="#aab0bb",
                lit="#55b84a"),
    ),
    Skin(
        "xbox-outline", "xbox", layouts.offset_sticks,
        replace(_OUTLINE, press=Press.FILL, pull=Pull.UP, one_dpad=False),
    ),
    Skin(
        "xbox-neon", "xbox", lambda: layouts.with_paddles(layouts.offset_sticks()),
        Style(body="#0a0d1a", body_alpha=0.35, edge="#29e0ff", edge_width=3, key="#0a0d1a",
              key_alpha=0.45, line="#29e0ff", line_width=2.5, sign="#ff4fd8", lit="#ff4fd8",
              sign_lit="#ffffff", press=Press.GLOW, knob=Knob.DOT, knob_colour="#29e0ff",
              pull=Pull.DOWN, well="#0a0d1a"),
    ),
    Skin(
        "playstation-dark", "playstation", layouts.even_sticks,
        replace(_DARK, body="#1d1f25", body_below="#0f1013", signs=SHAPES, press=Press.GLOW,
                lit="#59a8ff", sign_lit="#ffffff", lit_by_sign=True, pull=Pull.DOWN,
                one_dpad=False, knob_colour="#2c2f37", line="#4a4f5c", line_width=2),
    ),
    Skin(
        "playstation-light", "playstation", layouts.even_sticks,
        replace(_LIGHT, key="#22252c", key_below="#15171c", sign="#f5f6f8", lit="#f2a63b",
                sign_lit="#15171c", press=Press.LARGER, pull=Pull.BUTTON, one_dpad=False,
                well="#22252c", knob_colour="#3a3f49", line="#565c68"),
    ),
    Skin(
        "playstation-outline", "playstation", layouts.even_sticks,
        replace(_OUTLINE, edge="#9fd0ff", line="#9fd0ff", sign="#9fd0ff", knob_colour="#9fd0ff",
                lit="#35e07a", sign_lit="#05210f", edge_width=2.5, line_width=2,
                press=Press.FILL, pull=Pull.UP, one_dpad=False),
    ),
    Skin(
        "playstation-glass", "playstation", layouts.even_sticks,
        Style(body="#ffffff", body_alpha=0.22, edge="#ffffff", edge_width=2.5, key="#ffffff",
              key_alpha=0.25, line="#ffffff", line_width=2, line_alpha=0.85, sign="#ffffff",
              lit="#ff5b6e", sign_lit="#ffffff", press=Press.LARGER, knob=Knob.DOT,
              knob_colour="#ffffff", pull=Pull.RIGHT),
    ),
    Skin(
        "switch-dark", "switch", layouts.pro,
        replace(_DARK, body="#3a3c40", body_below="#242528", press=Press.COLOUR, lit="#ff4d4d",
                sign_lit="#ffffff", pull=Pull.BUTTON),
        codes="label",
    ),
    Skin(
        "switch-split", "switch", layouts.split,
        replace(_DARK, body="#18b3d6", body_below=None, body_right="#f2504a",
                edge="#20232a", press=Press.OFFSET, lit="#ffe14a", pull=Pull.BUTTON,
                one_dpad=False, shadow="#15171c", well="#20232a"),
    ),
    Skin(
        "switch-outline", "switch", layouts.pro,
        replace(_OUTLINE, edge="#f2f2f2", line="#f2f2f2", body="#000000", body_alpha=0.12,
                press=Press.FILL, lit="#ff3b4e", sign_lit="#ffffff", knob=Knob.CAP,
                knob_colour="#5a5d66", pull=Pull.BUTTON),
        codes="label",
    ),
    Skin(
        "panel-dark", "generic", layouts.panel,
        replace(_DARK, body="#20242c", body_below="#14171d", edge="#ffb02e", line="#5b6472",
                line_width=2.5, press=Press.GLOW, lit="#ffb02e", sign_lit="#ffffff",
                knob=Knob.DOT, knob_colour="#ffb02e", pull=Pull.RIGHT),
    ),
    Skin(
        "small-flat", "generic", layouts.small,
        Style(key="#000000", key_alpha=0.4, line="#ffffff", line_width=2, line_alpha=0.7,
              lit="#ffe94a", press=Press.FILL, knob=Knob.DOT, knob_colour="#ffffff",
              pull=Pull.UP, one_dpad=False, well=None),
    ),
    Skin(
        "panel-lime", "generic", lambda: layouts.with_bars(layouts.panel()),
        Style(body="#000000", body_alpha=0.2, edge="#4cff5b", edge_width=2, line="#4cff5b",
              line_width=2, sign="#4cff5b", lit="#4cff5b", sign_lit="#06240a", press=Press.FILL,
              knob=Knob.RING, knob_colour="#4cff5b", pull=Pull.UP),
    ),
    Skin(
        "old-grey", "generic", layouts.old,
        replace(_LIGHT, body="#d9d7d0", body_below="#bcb9b0", key="#6b5b95", key_below="#574a7b",
                sign="#f4f2fa", lit="#2c2440", sign_lit="#ffdf6b", line="#4a4458",
                press=Press.FILL, one_dpad=True),
        partial=True,
    ),
)  # fmt: skip
