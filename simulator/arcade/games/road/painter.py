"""The pictures of the road: seen from behind the car, in perspective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pygame

from nitropilot.simulator.arcade.core.numbers import CANVAS, ONE
from nitropilot.simulator.arcade.core.world import Outcome, chance
from nitropilot.simulator.arcade.games.road import cars, looks, sight
from nitropilot.simulator.arcade.games.road.level import PIECE
from nitropilot.simulator.arcade.games.road.sight import AHEAD, FARTHEST, HORIZON, INVERSE, OWN_ROW
from nitropilot.simulator.arcade.games.road.world import FASTEST
from nitropilot.simulator.arcade.paint import display, landscape, sparks
from nitropilot.simulator.arcade.paint.texture import add, subtract

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.simulator.arcade.games.road.world import RoadWorld

COLUMNS = np.arange(CANVAS, dtype=np.int32)
TREES = 1000
"""So far ahead there are trees."""


class RoadPainter:
    """Paints one level.

    Args:
        world: Its start; any later state of it can be painted.
    """

    def __init__(self, world: RoadWorld) -> None:
        rng = chance("road", world.level, world.seed, "looks")
        self.palette = rng.choice(landscape.PALETTES)
        self.seed = rng.randrange(1 << 20)
        self.sky = landscape.backdrop(self.palette, self.seed)
        self.layers = (
            (landscape.clouds(self.palette, self.seed), 14, 40),
            (landscape.mountains(self.palette, self.seed), HORIZON - 104, 18),
            (landscape.hills(self.palette, self.seed), HORIZON - 92, 8),
        )
        self.texture = looks.surface(self.palette, self.seed)
        self.haze = looks.haze(self.palette)
        self.bends = np.array(world.track.bends, np.int64)

    def paint(self, canvas: pygame.Surface, world: RoadWorld) -> None:
        """The whole picture."""
        place = world.place // ONE
        self._backdrop(canvas, place)
        middles = sight.middles(world, place)
        self._road(canvas, place, middles)
        canvas.blit(self.haze, (0, HORIZON), special_flags=pygame.BLEND_RGB_ADD)
        self._things(canvas, world, place, middles)
        self._events(canvas, world)
        display.bar(canvas, world.rungs(), (130, 220, 120))
        self._speed(canvas, world)

    def _backdrop(self, canvas: pygame.Surface, place: int) -> None:
        canvas.blit(self.sky, (0, 0), (0, 60, CANVAS, HORIZON + 4))
        piece, inside = divmod(max(place, 0), PIECE)
        turned = int(self.bends[:piece].sum()) * PIECE
        turned += int(self.bends[min(piece, len(self.bends) - 1)]) * inside
        for layer, top, slower in self.layers:
            left = -(turned // (slower * 24)) % landscape.STRIP
            canvas.blit(layer, (left, top))
            canvas.blit(layer, (left - landscape.STRIP, top))

    def _road(self, canvas: pygame.Surface, place: int, middles: NDArray[np.int64]) -> None:
        across = (COLUMNS[None, :] - middles[:, None].astype(np.int32)) * INVERSE[:, None]
        across >>= 8
        across += looks.REACH
        np.clip(across, 0, 2 * looks.REACH - 1, out=across)
        across += ((AHEAD + place) % looks.LENGTH * (2 * looks.REACH)).astype(np.int32)[:, None]
        view = pygame.surfarray.pixels2d(canvas)
        view[:, HORIZON + 3 :] = self.texture.ravel().take(across).T
        view[:, HORIZON : HORIZON + 3] = self.texture[0, 0]

    def _things(
        self, canvas: pygame.Surface, world: RoadWorld, place: int, middles: NDArray[np.int64]
    ) -> None:
        """From far to near: what stands beside the road, the others, the own car."""
        things = []
        for number in range((place - 60) // 70, (place + TREES) // 70):
            for side in (-1, 1):
                mixed = (number * 2654435761 + side * 40503 + self.seed) >> 7
                if mixed % 4:
                    x = side * (168 + mixed // 8 % 90)
                    things.append((number * 70 - place, x, f"tree{mixed // 64 % 3}", 0))
            if number % 6 == 0:
                things += [(number * 70 - place, side * 134, "post", 0) for side in (-1, 1)]
        things.append((world.track.length - place, 0, "arch", 0))
        things += [
            (car.place // ONE - place, car.x, car.kind, car.colour)
            for car in world.cars
            if -60 * ONE < car.place - world.place < FARTHEST * ONE
        ]
        things.sort(reverse=True)
        own = False
        for ahead, x, kind, colour in things:
            if ahead < 0 and not own:
                self._own(canvas, world)
                own = True
            spot = sight.spot(ahead, x, middles)
            if spot is not None:
                self._thing(canvas, kind, colour, spot)
        if not own:
            self._own(canvas, world)

    def _thing(
        self, canvas: pygame.Surface, kind: str, colour: int, spot: tuple[int, int, int]
    ) -> None:
        scale, x, y = spot
        if not -120 < x < CANVAS + 120:
            return
        sprite = cars.scaled(kind, colour, self.palette, min(scale // 8, 60))
        if kind in cars.VEHICLES and scale > 24:
            subtract(canvas, cars.shade_of(sprite.get_width()), x, y)
        canvas.blit(sprite, (x - sprite.get_width() // 2, y - sprite.get_height()))

    def _own(self, canvas: pygame.Surface, world: RoadWorld) -> None:
        x = 128 + world.x // 2 // ONE
        lean = (world.steering > 60) - (world.steering < -60)
        shake = world.tick % 2 if world.speed > ONE else 0
        shake += world.tick % 3 if world.on_grass and world.speed else 0
        if world.outcome is Outcome.LOST:
            shake = 0
        subtract(canvas, cars.shade_of(54), x, OWN_ROW)
        sprite = cars.own(lean, world.braking)
        canvas.blit(
            sprite, (x - sprite.get_width() // 2, OWN_ROW - sprite.get_height() + 3 - shake)
        )
        if world.speed > 2 * ONE and not world.braking:
            long = 3 + world.tick // 2 % 3
            for side in (-9, 9):
                canvas.fill((255, 200, 90), (x + side - 1, OWN_ROW - 1, 3, long))
                add(canvas, cars.FLAME(), x + side, OWN_ROW + 2)
        if world.on_grass and world.speed:
            for number in range(5):
                age = (world.tick + number * 3) % 14
                place = (x - 26 + number * 13, OWN_ROW + 2 - age)
                canvas.fill(self.palette.earth[2], (*place, 4 - age // 4, 4 - age // 4))

    def _speed(self, canvas: pygame.Surface, world: RoadWorld) -> None:
        """A meter in the corner, and streaks at the edge of the view."""
        canvas.fill(display.DARK, (8, 240, 62, 10))
        for notch in range(10):
            if world.speed * 10 > notch * FASTEST:
                colour = ((110, 220, 120), (250, 210, 90), (250, 110, 80))[min(notch // 4, 2)]
                canvas.fill(colour, (10 + 6 * notch, 242 + (0 if notch > 6 else 1), 5, 6))

    def _events(self, canvas: pygame.Surface, world: RoadWorld) -> None:
        for event in world.events:
            age, place = world.tick - event.tick, (128 + event.x // 2, OWN_ROW - 14)
            if event.kind == "lost":
                colours = ((255, 255, 220), (255, 170, 60), (110, 70, 80))
                sparks.ring(canvas, age, place, (255, 240, 200), most=50)
                sparks.burst(canvas, event, age, place, colours, count=30, speed=900, life=38)
            elif event.kind == "passed":
                sparks.burst(canvas, event, age, (128, 10), ((255, 255, 255), (130, 220, 120)),
                             count=10, speed=300, life=20)  # fmt: skip
            elif event.kind == "won":
                colours = ((255, 255, 220), (255, 214, 90), (120, 220, 250))
                sparks.burst(canvas, event, age, (128, 110), colours, count=40, speed=900,
                             fall=10, life=40)  # fmt: skip
