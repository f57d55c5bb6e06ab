"""The rules of the road: gas, brake, steering, bends that carry outwards, and crashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nitropilot.controller.state import Button
from nitropilot.simulator.arcade.core.numbers import ONE, approach, clamp, share
from nitropilot.simulator.arcade.core.pad import FULL
from nitropilot.simulator.arcade.core.world import Outcome, World
from nitropilot.simulator.arcade.games.road.level import HALF_ROAD, Track, track

if TYPE_CHECKING:
    from nitropilot.simulator.arcade.core.pad import Pad

FASTEST = 3 * ONE
ON_GRASS = 150
GAIN = 10
LOSS = 5
BRAKES = 24
STEER = 560
"""1/256 px a tick sideways, at full speed and with the stick at its edge."""
TRAFFIC_SPEED = 1 * ONE
WIDE = 34
"""Nearer than this, sideways in pixels, two cars touch."""
LONG = 16
VERGE = 176


@dataclass
class Car:
    """Another car; its place in 1/256 px, its x in pixels."""

    place: int
    x: int
    kind: str
    colour: int
    row: int


@dataclass
class RoadWorld(World):
    """A car on a road.

    Attributes:
        track: What does not change.
        place: How far along, 1/256 px.
        x: From the middle of the road, 1/256 px.
        speed: 1/256 px a tick.
        steering: The stick in the last step, for the lean of the car.
        braking: Whether the brakes are on.
        cars: Other cars; places in 1/256 px.
        passed: How many rows lie behind.
    """

    track: Track = field(default_factory=lambda: track(0, 0))
    place: int = 0
    x: int = 0
    speed: int = 0
    steering: int = 0
    braking: bool = False
    cars: list[Car] = field(default_factory=list)
    passed: int = 0

    @classmethod
    def new(cls, seed: int, level: int) -> RoadWorld:
        """The start of a level."""
        made = track(level, seed)
        cars = [
            Car(each.place * ONE, each.x, each.kind, each.colour, each.row) for each in made.traffic
        ]
        return cls(seed, level, track=made, cars=cars)

    @property
    def on_grass(self) -> bool:
        """Whether it has left the road."""
        return abs(self.x) > (HALF_ROAD - 4) * ONE

    def advance(self, pad: Pad) -> None:
        """Gas and brake, steer, drive on; then see what was touched."""
        self._pedals(pad)
        self.steering = pad.x
        outwards = share(self.track.bend(self.place // ONE), self.speed, FASTEST)
        sideways = share(share(STEER, pad.x, FULL), self.speed, FASTEST)
        self.x = clamp(self.x + sideways - outwards, -VERGE * ONE, VERGE * ONE)
        self.place += self.speed
        for car in self.cars:
            car.place += TRAFFIC_SPEED
            if self._touches(car):
                self.end(Outcome.LOST, self.x // ONE, 0)
                return
        behind = [car.row for car in self.cars if car.place + 2 * LONG * ONE < self.place]
        passed = max(behind, default=-1) + 1
        if passed > self.passed:
            self.passed = passed
            self.happened("passed", self.x // ONE, 0)
        if self.place >= self.track.length * ONE:
            self.end(Outcome.WON, self.x // ONE, 0)

    def _pedals(self, pad: Pad) -> None:
        gas = pad.right_trigger or pad.down(Button.A)
        self.braking = pad.left_trigger or pad.down(Button.B)
        change = -BRAKES if self.braking else GAIN if gas else -LOSS
        self.speed = clamp(self.speed + change, 0, FASTEST)
        if self.on_grass and self.speed > ON_GRASS:
            self.speed = approach(self.speed, ON_GRASS, 2 * BRAKES)

    def _touches(self, car: Car) -> bool:
        near = abs(car.place - self.place) < LONG * ONE
        return near and abs(car.x * ONE - self.x) < WIDE * ONE

    def rungs(self) -> tuple[int, int]:
        """One for each row overtaken, one for the finish."""
        return self.passed, self.track.rows + 1

    def nudge(self, right: int, down: int) -> None:
        """Across the road, and along it."""
        before = self.x, self.place
        self.x += right * ONE
        self.place -= down * ONE
        if any(self._touches(car) for car in self.cars):
            self.x, self.place = before

    def facts(self) -> dict[str, Any]:
        """Places and speeds in pixels."""
        return {
            "place": self.place / ONE,
            "x": self.x / ONE,
            "speed": self.speed / ONE,
            "length": self.track.length,
            "passed": self.passed,
            "on_grass": self.on_grass,
            "cars": [
                {"place": each.place / ONE, "x": each.x, "kind": each.kind}
                for each in self.cars
                if -100 * ONE < each.place - self.place < 600 * ONE
            ],
        }
