"""The pilot, who is the hero of every game: helmet, goggles, scarf."""

from __future__ import annotations

from functools import cache

import pygame

from nitropilot.simulator.arcade.paint.texture import Colour, blank, outlined

OUTLINE = (28, 20, 36)
HELMET = ((246, 240, 226), (206, 192, 178))
GOGGLES = ((64, 214, 236), (226, 252, 255), (40, 62, 92))
JACKET = ((226, 62, 54), (166, 36, 52), (255, 128, 84))
TROUSERS = (58, 64, 110)
BOOTS = (52, 36, 44)
SCARF = ((255, 196, 60), (236, 140, 40))

LEGS = {
    "stand": ((-3, 0), (3, 0)),
    "run0": ((-6, -1), (5, 0)),
    "run1": ((-2, 0), (1, -3)),
    "run2": ((5, 0), (-6, -1)),
    "run3": ((1, -3), (-2, 0)),
    "rise": ((-4, -2), (4, -4)),
    "fall": ((-6, -3), (6, -1)),
}
"""Where the feet are, from the middle and upward, for each pose."""
WIDTH, HEIGHT = 26, 27


@cache
def side_view(pose: str, way: int, flutter: int) -> pygame.Surface:
    """The pilot from the side; feet at the lower edge, looking to the right (1) or left (-1).

    Args:
        pose: One of ``LEGS``.
        way: 1 or -1.
        flutter: 0 to 3: how the scarf flies; -1: it hangs.
    """
    body = blank(WIDTH, HEIGHT)
    lift = 1 if pose in ("run1", "run3") else 0
    _legs(body, pose)
    _scarf(body, flutter, 14 - lift, pose)
    pygame.draw.rect(body, JACKET[0], (8, 13 - lift, 10, 9), border_radius=3)
    pygame.draw.rect(body, JACKET[1], (8, 15 - lift, 3, 7), border_radius=2)
    pygame.draw.line(body, JACKET[2], (14, 14 - lift), (16, 16 - lift))
    swing = {"run0": 3, "run2": -3, "rise": 4, "fall": 5}.get(pose, 0)
    pygame.draw.line(body, JACKET[1], (12, 16 - lift), (12 + swing, 20 - lift - abs(swing)), 3)
    _head(body, 13, 7 - lift)
    made = outlined(body, OUTLINE)
    if way < 0:
        made = pygame.transform.flip(made, True, False)
        made.set_colorkey((255, 0, 255), pygame.RLEACCEL)
    return made


def _legs(body: pygame.Surface, pose: str) -> None:
    for index, (x, lift) in enumerate(LEGS[pose]):
        colour = TROUSERS if index else (44, 48, 88)
        hip = (11 + 3 * index, 20)
        foot = (13 + x, HEIGHT - 3 + lift)
        pygame.draw.line(body, colour, hip, foot, 4)
        pygame.draw.rect(body, BOOTS, (foot[0] - 2, foot[1], 6, 3), border_radius=1)


def _scarf(body: pygame.Surface, flutter: int, y: int, pose: str) -> None:
    if flutter < 0:
        pygame.draw.line(body, SCARF[1], (8, y), (6, y + 6), 3)
        return
    sag = {"rise": 4, "fall": -5}.get(pose, 0)
    waves = ((0, 1, 0), (-1, 0, 1), (0, -1, 0), (1, 0, -1))[flutter]
    points = [(9, y), (6, y + waves[0] + sag // 4), (3, y + waves[1] + sag // 2),
              (0, y + waves[2] + sag)]  # fmt: skip
    pygame.draw.lines(body, SCARF[1], False, [(a, b + 1) for a, b in points], 3)
    pygame.draw.lines(body, SCARF[0], False, points, 2)


def _head(body: pygame.Surface, x: int, y: int) -> None:
    pygame.draw.circle(body, HELMET[1], (x, y), 7)
    pygame.draw.circle(body, HELMET[0], (x + 1, y - 1), 6)
    pygame.draw.line(body, JACKET[0], (x - 3, y - 6), (x - 6, y + 1), 2)
    pygame.draw.rect(body, GOGGLES[2], (x - 1, y - 3, 9, 7), border_radius=3)
    pygame.draw.rect(body, GOGGLES[0], (x + 1, y - 2, 6, 5), border_radius=2)
    pygame.draw.line(body, GOGGLES[1], (x + 2, y - 1), (x + 3, y - 1))
    pygame.draw.line(body, SCARF[0], (x - 4, y + 6), (x + 4, y + 6), 2)


@cache
def top_view(way: tuple[int, int], foot: int, jacket: Colour = JACKET[0]) -> pygame.Surface:
    """The pilot seen from above and in front, small and round.

    Args:
        way: Where it looks: -1 to 1 each, y down.
        foot: 0 standing, 1 and 2 while walking.
        jacket: Colour of the jacket.
    """
    body = blank(20, 22)
    for side in (-1, 1):
        lift = 2 if (foot == 1 and side < 0) or (foot == 2 and side > 0) else 0
        pygame.draw.rect(body, BOOTS, (8 + 3 * side, 18 - lift, 5, 4), border_radius=1)
    pygame.draw.rect(body, jacket, (5, 12, 11, 8), border_radius=3)
    pygame.draw.line(body, JACKET[1], (6, 18), (14, 18), 2)
    pygame.draw.circle(body, HELMET[1], (10, 8), 8)
    pygame.draw.circle(body, HELMET[0], (10, 7), 7)
    pygame.draw.line(body, jacket, (10, 0), (10, 4), 3)
    if way[1] >= 0:  # the face is seen
        x = 10 + 3 * way[0]
        wide = 11 if way[0] == 0 else 8
        y = 6 + way[1]
        pygame.draw.rect(body, GOGGLES[2], (x - wide // 2 - 1, y - 1, wide + 2, 8), border_radius=3)
        pygame.draw.rect(body, GOGGLES[0], (x - wide // 2, y, wide, 6), border_radius=2)
        pygame.draw.line(body, GOGGLES[1], (x - wide // 2 + 1, y + 1), (x - 1, y + 1))
    elif way[0]:
        x = 14 if way[0] > 0 else 2
        pygame.draw.rect(body, GOGGLES[0], (x, 4, 4, 5), border_radius=2)
    pygame.draw.line(body, SCARF[0], (5, 14), (15, 14), 2)
    return outlined(body, OUTLINE)
