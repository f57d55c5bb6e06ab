"""pyglet: says what its first controller shows, each time that it changes; ends at B."""

import json

import pyglet

(controller,) = pyglet.input.get_controllers()
controller.open()
before = None
while not controller.b:
    pyglet.clock.tick()
    pyglet.app.platform_event_loop.step(0.01)
    left = controller.dpad.x < 0
    now = [True, controller.a, controller.start, left, round(controller.leftx, 1)]
    if now != before:
        print("pad", json.dumps(now), flush=True)
        before = now
