"""What people do while a recording is fed back: one scenario a golden trace.

A step is a time, in seconds after the session was asked for, and what happens then:

    "POST /pause", body     a request; paths under the session's own begin with "@"
    "human", {...}          a person's pad has this state
    "window", "minimised"   the window is minimised, "black", or "" for well; "slow": the policy is
    "frame", {...}          a picture is asked for over the events
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Step = tuple[float, str, Any]


@dataclass(frozen=True)
class Scenario:
    """One golden trace.

    Attributes:
        recording: What is fed back.
        request: What the session is asked to be.
        steps: What happens meanwhile.
        ends: When it is deleted.
        joins: Whether the engine is said to honour a prefix.
        frames: How many frames it is said to take.
        overlay: How the overlay is asked to look.
    """

    recording: str
    request: dict[str, Any]
    steps: tuple[Step, ...]
    ends: float
    joins: bool = True
    frames: int = 1
    overlay: str = ""
    size: tuple[int, int] = field(default=(960, 540))


SEED = 7
"""That of the recordings."""
PUSHED = {"left": [1.0, 0.25], "buttons": ["a"]}
PULLED = {"right": [-0.5, -1.0], "left_trigger": 0.75, "buttons": ["x", "dpad_left", "start"]}
REST: dict[str, Any] = {}
FEW = ["left_stick", "a", "b", "x", "y", "left_trigger", "dpad_up", "back", "right_shoulder"]

SCENARIOS: dict[str, Scenario] = {
    # Everything that people can ask of a session, and a person who takes over.
    "runner-paused": Scenario(
        "runner-paused",
        {"mode": "paused", "draw": True, "record": True, "allow": ["back"]},
        (
            (0.6031, "GET /api/v1/status", None),
            (0.7042, "GET @", None),
            (0.8053, "GET @/guard", None),
            (0.9564, "PUT @/guard", {"controls": FEW}),
            (1.2075, "GET @/guard", None),
            (1.3086, "PUT @/guard", {"controls": ["wheel"]}),
            (1.5597, "POST @/step", None),
            (1.7108, "POST @/pause", None),
            (1.7619, "POST @/pause", None),
            (1.8120, "POST @/step", None),
            (1.8631, "GET @", None),
            (2.4142, "GET @", None),
            (2.4653, "POST @/resume", None),
            (2.8164, "PUT @/takeover", {"pad": True, "idle_seconds": 0.3}),
            (2.8675, "GET @/takeover", None),
            (3.0186, "human", PUSHED),
            (3.0697, "human", PULLED),
            (3.1208, "GET @", None),
            (3.1719, "human", REST),
            (3.7220, "GET @", None),
            (3.8731, "POST /api/v1/autoplay/toggle", None),
            (3.9242, "POST @/autoplay/toggle", None),
            (4.1753, "POST @/autoplay", {"enabled": False}),
            (4.2264, "POST @/autoplay", {"enabled": True}),
            (4.4775, "POST /api/v1/panic", None),
            (4.5286, "GET @", None),
            (4.5797, "POST @/autoplay/toggle", None),
        ),
        4.9,
    ),
    # The plan, the looks and the joining of chunks, with interruptions.
    "runner-realtime": Scenario(
        "runner-realtime",
        {"mode": "realtime", "draw": True, "record": True},
        (
            (0.6531, "GET /api/v1/sessions", None),
            (0.9042, "PUT @/guard", {"controls": FEW}),
            (1.0553, "GET @", None),
            (1.2064, "POST @/pause", None),
            (1.2575, "GET @", None),
            (1.3086, "POST @/resume", None),
            (1.6597, "POST @/autoplay/toggle", None),
            (1.7108, "POST @/step", None),
            (1.7319, "POST @/step", None),
            (2.1630, "GET @", None),
            (2.2141, "POST @/resume", None),
            (2.5652, "human", PULLED),
            (2.6163, "human", PUSHED),
            (2.6674, "human", REST),
            (2.7185, "POST @/resume", None),
            (2.9696, "frame", {"width": 64}),
            (3.2207, "GET /api/v1/status", None),
        ),
        3.4,
        overlay="layout=playstation&theme=light",
    ),
    # A window that cannot be seen for a while, fewer actions a chunk, and frames of before.
    "supertux-paused": Scenario(
        "supertux-paused",
        {
            "mode": "paused",
            "draw": True,
            "actions_per_chunk": 10,
            "action_hz": 50,
            "autoplay": False,
            "allow": ["start", "guide"],
        },
        (
            (0.4031, "GET @", None),
            (0.4542, "POST @/resume", None),
            (0.8042, "POST @/pause", None),
            (0.8093, "POST @/resume", None),
            (1.0053, "window", "minimised"),
            (1.4564, "GET @", None),
            (1.5075, "window", ""),
            (2.0086, "window", "black"),
            (2.3597, "GET @", None),
            (2.4108, "window", ""),
            (2.8619, "GET @/frame?width=64", None),
            (2.9130, "POST /api/v1/sessions", {"window": 1}),
            (2.9641, "GET /metrics", None),
            (3.0152, "GET @/guard", None),
            (3.0663, "GET /api/v1/windows", None),
            (3.1174, "GET /api/v1/settings", None),
        ),
        3.2,
        frames=2,
        overlay="layout=switch&theme=outline&at=top-right",
    ),
    # An engine that cannot fix actions: chunks are cross-faded.
    "supertux-realtime": Scenario(
        "supertux-realtime",
        {"mode": "realtime", "draw": True, "allow": ["start"], "actions_per_chunk": 6},
        (
            (0.6030, "POST @/recording", {"enabled": True}),
            (0.9031, "window", "minimised"),
            (1.1542, "GET @", None),
            (1.2053, "window", ""),
            (1.8064, "POST @/pause", None),
            (1.8575, "human", PUSHED),
            (1.9086, "POST @/resume", None),
            (2.1087, "POST @/recording", {"enabled": False}),
            (2.1598, "GET /api/v1/recordings", None),
            (2.3597, "GET @", None),
        ),
        2.6,
        joins=False,
        overlay="layout=xbox&scale=0.5&show=pad,history&at=bottom",
    ),
    # A policy that turns out too slow for real time.
    "runner-auto": Scenario(
        "runner-realtime",
        {"mode": "auto"},
        (
            (0.5031, "window", "slow"),
            (3.0042, "GET @", None),
            (6.9053, "GET @", None),
            (8.5064, "GET @", None),
        ),
        9.0,
        overlay="show=badge,pad",
    ),
}
