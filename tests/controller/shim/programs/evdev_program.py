"""python-evdev in a loop of its own that waits: says what its device shows; ends at B."""

import json

import evdev
from evdev import ecodes

(path,) = evdev.list_devices()
device = evdev.InputDevice(path)
known = (device.info.vendor, device.info.product) == (0x045E, 0x028E)
state = {code: info.value for code, info in device.capabilities()[ecodes.EV_ABS]}
state |= dict.fromkeys(device.active_keys(), 1)
before = None
while not state.get(ecodes.BTN_B):
    now = [known, *(bool(state.get(code)) for code in (ecodes.BTN_A, ecodes.BTN_START))]
    now += [state[ecodes.ABS_HAT0X] < 0, round(state[ecodes.ABS_X] / 32767, 1)]
    if now != before:
        print("pad", json.dumps(now), flush=True)
        before = now
    for event in device.read_loop():
        if event.type == ecodes.EV_SYN:
            break
        state[event.code] = event.value
