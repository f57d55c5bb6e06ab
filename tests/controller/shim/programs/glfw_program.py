"""GLFW: says what its gamepad shows, each time that it changes; ends at B."""

import json
import time

import glfw

assert glfw.init()
before = None
while True:
    glfw.poll_events()
    state = glfw.get_gamepad_state(0)
    if state:
        a, b, *_ = buttons = list(state.buttons)
        now = [True, bool(a), bool(buttons[7]), bool(buttons[14]), round(state.axes[0], 1)]
        if now != before:
            print("pad", json.dumps(now), flush=True)
            before = now
        if b:
            break
    time.sleep(0.01)
