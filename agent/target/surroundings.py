"""The environment that a launched game gets: ours, less what leads it away from its display.

We see games on X displays only, and a private one has neither a graphics card nor anybody
who listens.  What the player's own desktop has set for itself would lead a game elsewhere.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nitropilot.children import leave_out_current_folder
from nitropilot.places import home

X11 = {
    "SDL_VIDEODRIVER": "x11", "SDL_VIDEO_DRIVER": "x11", "GDK_BACKEND": "x11",
    "QT_QPA_PLATFORM": "xcb", "CLUTTER_BACKEND": "x11", "ELECTRON_OZONE_PLATFORM_HINT": "x11",
    "XDG_SESSION_TYPE": "x11",
}  # fmt: skip
"""What has each toolkit open its windows on the X display."""
NOT_X11 = (
    "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "EGL_PLATFORM", "WINIT_UNIX_BACKEND",
    "MOZ_ENABLE_WAYLAND", "PROTON_ENABLE_WAYLAND",
)  # fmt: skip
"""What some would rather follow."""
UNSEEN = {
    "LIBGL_ALWAYS_SOFTWARE": "1", "SDL_AUDIODRIVER": "dummy", "SDL_AUDIO_DRIVER": "dummy",
    "ALSOFT_DRIVERS": "null",
}  # fmt: skip
"""What a game needs on a display without a graphics card, that nobody listens to."""
NOT_UNSEEN = (
    "DRI_PRIME", "__NV_PRIME_RENDER_OFFLOAD", "__GLX_VENDOR_LIBRARY_NAME", "LIBGL_ALWAYS_INDIRECT",
    "MESA_LOADER_DRIVER_OVERRIDE", "GALLIUM_DRIVER", "VK_ICD_FILENAMES", "VK_DRIVER_FILES",
    "SDL_RENDER_DRIVER", "__EGL_VENDOR_LIBRARY_FILENAMES",
    "WINDOWID", "SDL_WINDOWID", "DESKTOP_STARTUP_ID", "XDG_ACTIVATION_TOKEN", "SESSION_MANAGER",
)  # fmt: skip
"""The player's graphics card, and what tells of windows and sessions on the player's display."""


def surroundings() -> dict[str, str]:
    """What a game is launched with, on whichever display ``DISPLAY`` names then."""
    environment = leave_out_current_folder(os.environ)
    for name in [one for one in environment if one.startswith("NITROPILOT_") and "TOKEN" in one]:
        del environment[name]  # a secret of ours
    if found := environment.get("LD_LIBRARY_PATH"):
        kept = [place for place in found.split(os.pathsep) if f"{os.sep}cv2{os.sep}" not in place]
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(kept)  # OpenCV sets that for itself
        if not kept:  # an empty one would mean the current folder
            del environment["LD_LIBRARY_PATH"]
    if sys.platform != "win32":
        _change(environment, X11, NOT_X11)
    return environment


def move_to(environment: dict[str, str], private_display: str) -> None:
    """Have a game play on a private display."""
    _change(environment, {**UNSEEN, "DISPLAY": private_display}, NOT_UNSEEN)


def use_profile(environment: dict[str, str], profile: Path) -> None:
    """Point HOME and the XDG folders into ``profile``: real saves stay untouched."""
    # Without these a player's own display and sound would be out of the game's reach.
    if (ours := home()) is not None:
        environment.setdefault("XAUTHORITY", str(ours / ".Xauthority"))
    if "XDG_RUNTIME_DIR" not in environment:
        runtime = profile / "run"
        runtime.mkdir(mode=0o700)
        environment["XDG_RUNTIME_DIR"] = str(runtime)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        environment.pop(name, None)
    environment["HOME"] = str(profile)


def _change(environment: dict[str, str], wanted: dict[str, str], unwanted: tuple[str, ...]) -> None:
    environment |= wanted
    for name in unwanted:
        environment.pop(name, None)
