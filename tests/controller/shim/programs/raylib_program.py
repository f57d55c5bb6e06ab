"""raylib, which has GLFW inside: says what its gamepad shows, each time that it changes."""

import json

import raylib

raylib.SetTraceLogLevel(raylib.LOG_ERROR)
raylib.InitWindow(64, 64, b"pad")
raylib.SetTargetFPS(60)
before = None
while not raylib.IsGamepadButtonDown(0, raylib.GAMEPAD_BUTTON_RIGHT_FACE_RIGHT):
    raylib.BeginDrawing()
    raylib.EndDrawing()
    if raylib.IsGamepadAvailable(0):
        names = ("RIGHT_FACE_DOWN", "MIDDLE_RIGHT", "LEFT_FACE_LEFT")
        down = [
            bool(raylib.IsGamepadButtonDown(0, getattr(raylib, f"GAMEPAD_BUTTON_{name}")))
            for name in names
        ]
        now = [True, *down, round(raylib.GetGamepadAxisMovement(0, 0), 1)]
        if now != before:
            print("pad", json.dumps(now), flush=True)
            before = now
