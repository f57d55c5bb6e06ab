"""The rules of the arena: walk, aim, shoot; whoever comes has to be shot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import Button
from nitropilot.simulator.arcade.core.numbers import ONE, apart, clamp, limited, share, towards
from nitropilot.simulator.arcade.core.pad import FULL
from nitropilot.simulator.arcade.core.world import Outcome, World
from nitropilot.simulator.arcade.games.arena.level import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Arrival,
    Waves,
    waves,
)

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.core.pad import Pad

WALK = 400
AIMED = 102
"""A right stick that is moved less aims nowhere new."""
BOLT_SPEED = 4 * ONE
COOLDOWN = 12
CHARGES = 4
"""Bolts that the blaster holds.  One that hits comes back; the others take their time."""
RECHARGE = 75
HEARTS = 3
SAFE = 70
"""Ticks after a hit in which nothing hurts."""
PORTAL = 50
"""Ticks from a portal's first glow to who comes out of it."""
PLAYER, BOLT, ORB = 8, 6, 7
"""Radii in pixels."""
RADIUS = {"slime": 12, "bat": 11, "caster": 12}
HEALTH = {"slime": 3, "bat": 2, "caster": 3}
SPEED = {"slime": 124, "bat": 200, "caster": 70}
CASTS_EVERY = 150
ORB_SPEED = 300
STUN = 8


@dataclass
class Foe:
    """One that came: place (1/256 px), health, and what it is about to do."""

    kind: str
    x: int
    y: int
    health: int
    portal: int = PORTAL
    cast: int = CASTS_EVERY
    stun: int = 0
    way: int = 1


@dataclass
class Shot:
    """A bolt of the player's, or an orb of a caster's: place and speed, 1/256 px."""

    x: int
    y: int
    x_speed: int
    y_speed: int


@dataclass
class ArenaWorld(World):
    """A player among foes.

    Attributes:
        waves: Who comes.
        x: The player's middle, 1/256 px.
        y: The same, downward.
        aim: Where it aims, a vector of length 256, y down.
        walking: Whether it moved in the last step.
        hearts: What it has left.
        safe: Ticks in which nothing hurts.
        cooldown: Ticks until the next bolt.
        charges: Bolts that can be shot, which a ring around the player shows.
        recharge: Ticks until there is one more.
        wave: Which wave is there.
        beaten: How many foes are beaten.
        foes: Those that are there.
        bolts: The player's.
        orbs: The casters'.
    """

    waves: Waves = field(default_factory=lambda: waves(0, 0))
    x: int = (LEFT + RIGHT) // 2 * ONE
    y: int = (TOP + BOTTOM) // 2 * ONE
    aim: tuple[int, int] = (0, ONE)
    walking: bool = False
    hearts: int = HEARTS
    safe: int = 0
    cooldown: int = 0
    charges: int = CHARGES
    recharge: int = RECHARGE
    wave: int = -1
    beaten: int = 0
    foes: list[Foe] = field(default_factory=list)
    bolts: list[Shot] = field(default_factory=list)
    orbs: list[Shot] = field(default_factory=list)

    @classmethod
    def new(cls, seed: int, level: int) -> ArenaWorld:
        """The start of a level."""
        world = cls(seed, level, waves=waves(level, seed))
        world._next_wave()
        return world

    def _next_wave(self) -> None:
        self.wave += 1
        self.foes = [self._arrive(arrival) for arrival in self.waves[self.wave]]

    def _arrive(self, arrival: Arrival) -> Foe:
        """Through its portal, or where the player stands too near to that, the one opposite."""
        x, y = arrival.x, arrival.y
        if apart(x - self.x // ONE, y - self.y // ONE) < 70:
            x, y = LEFT + RIGHT - x, TOP + BOTTOM - y
        return Foe(arrival.kind, x * ONE, y * ONE, HEALTH[arrival.kind])

    def advance(self, pad: Pad) -> None:
        """Walk and shoot, then everybody else; then see what was touched."""
        self.safe = max(self.safe - 1, 0)
        self.cooldown = max(self.cooldown - 1, 0)
        self._walk(pad)
        self._charge()
        fire = pad.right_trigger or pad.down(Button.RIGHT_SHOULDER)
        if fire and self.charges and self.cooldown == 0:
            self._shoot()
        self._fly()
        for foe in self.foes:
            self._go(foe)
        self._hurt()
        if self.outcome is Outcome.PLAYING and not self.foes:
            if self.wave + 1 == len(self.waves):
                self.end(Outcome.WON, self.x // ONE, self.y // ONE)
            else:
                self._next_wave()

    def _walk(self, pad: Pad) -> None:
        x, y = limited(pad.x, -pad.y, FULL)
        self.walking = bool(x or y)
        self.x = clamp(self.x + share(WALK, x, FULL), LEFT * ONE, RIGHT * ONE)
        self.y = clamp(self.y + share(WALK, y, FULL), TOP * ONE, BOTTOM * ONE)
        if apart(pad.aim_x, pad.aim_y) > AIMED:
            self.aim = towards(pad.aim_x, -pad.aim_y, ONE)

    def _charge(self) -> None:
        self.recharge = RECHARGE if self.charges == CHARGES else self.recharge - 1
        if self.recharge == 0:
            self.charges += 1
            self.recharge = RECHARGE

    def _shoot(self) -> None:
        x, y = self.aim
        self.bolts.append(
            Shot(self.x + 10 * x, self.y + 10 * y, share(x, BOLT_SPEED, ONE),
                 share(y, BOLT_SPEED, ONE))
        )  # fmt: skip
        self.cooldown = COOLDOWN
        self.charges -= 1
        self.happened("shot", self.x // ONE, self.y // ONE)

    def _fly(self) -> None:
        for shot in (*self.bolts, *self.orbs):
            shot.x += shot.x_speed
            shot.y += shot.y_speed
        for bolt in self.bolts:
            foe = next((foe for foe in self.foes if _hits(bolt, foe)), None)
            if foe is not None:
                foe.health -= 1
                foe.stun = STUN
                self.charges = min(self.charges + 1, CHARGES)
                self.happened("hit" if foe.health else "beaten", foe.x // ONE, foe.y // ONE)
                bolt.x = -99 * ONE  # spent
        self.beaten += sum(foe.health <= 0 for foe in self.foes)
        self.foes = [foe for foe in self.foes if foe.health > 0]
        self.bolts = [bolt for bolt in self.bolts if _inside(bolt)]
        self.orbs = [orb for orb in self.orbs if _inside(orb)]

    def _go(self, foe: Foe) -> None:
        if foe.portal:
            foe.portal -= 1
            return
        if foe.stun:
            foe.stun -= 1
            return
        x, y = self.x - foe.x, self.y - foe.y
        speed = SPEED[foe.kind]
        if foe.kind == "caster":
            foe.cast -= 1
            if foe.cast == 0:
                foe.cast = CASTS_EVERY
                self.orbs.append(Shot(foe.x, foe.y, *towards(x, y, ORB_SPEED)))
                self.happened("cast", foe.x // ONE, foe.y // ONE)
            if apart(x, y) < 90 * ONE:
                return
        step = towards(x, y, speed)
        foe.way = 1 if x >= 0 else -1
        foe.x += step[0]
        foe.y += step[1]

    def _hurt(self) -> None:
        if self.safe:
            return
        touched = any(
            not foe.portal
            and apart(foe.x - self.x, foe.y - self.y) < (RADIUS[foe.kind] + PLAYER - 2) * ONE
            for foe in self.foes
        )
        for orb in self.orbs:
            if apart(orb.x - self.x, orb.y - self.y) < (ORB + PLAYER - 2) * ONE:
                touched = True
                orb.x = -99 * ONE
        if not touched:
            return
        self.hearts -= 1
        self.safe = SAFE
        self.happened("hurt", self.x // ONE, self.y // ONE)
        if self.hearts == 0:
            self.end(Outcome.LOST, self.x // ONE, self.y // ONE)

    def rungs(self) -> tuple[int, int]:
        """One for each foe."""
        return self.beaten, sum(map(len, self.waves))

    def nudge(self, right: int, down: int) -> None:
        """Anywhere in the arena."""
        self.x = clamp(self.x + right * ONE, LEFT * ONE, RIGHT * ONE)
        self.y = clamp(self.y + down * ONE, TOP * ONE, BOTTOM * ONE)

    def facts(self) -> dict[str, Any]:
        """Places in pixels of the picture."""
        return {
            "x": self.x / ONE,
            "y": self.y / ONE,
            "aim": [part / ONE for part in self.aim],
            "hearts": self.hearts,
            "charges": self.charges,
            "wave": self.wave,
            "beaten": self.beaten,
            "foes": [
                {"kind": foe.kind, "x": foe.x / ONE, "y": foe.y / ONE, "health": foe.health,
                 "there": not foe.portal}
                for foe in self.foes
            ],
            "orbs": [{"x": orb.x / ONE, "y": orb.y / ONE} for orb in self.orbs],
        }  # fmt: skip


def _hits(bolt: Shot, foe: Foe) -> bool:
    reach = (RADIUS[foe.kind] + BOLT) * ONE
    return not foe.portal and foe.health > 0 and apart(bolt.x - foe.x, bolt.y - foe.y) < reach


def _inside(shot: Shot) -> bool:
    x, y = shot.x // ONE, shot.y // ONE
    return LEFT - 8 <= x <= RIGHT + 8 and TOP - 8 <= y <= BOTTOM + 8
