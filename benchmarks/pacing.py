"""How punctual actions reach the pad, with a real game beside.

    python -m benchmarks.pacing [--json] [--seconds 20] [--hz 60]

Launches the built-in game in a private display and has its hand send chunks of 16 states, first
alone, then with a video being recorded.  Prints how late the sends were, in milliseconds, and
the share within 3 ms.  Target: 99 % at 60 Hz on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from nitropilot.agent import Target, open_game
from nitropilot.agent.play.stats import percentile
from nitropilot.agent.record.video import VideoRecorder
from nitropilot.agent.values import PadSample
from nitropilot.controller import GamepadState
from nitropilot.simulator.games.recipes import find_recipe

TARGET_MS = 3.0
CHUNK = 16


def measure(hz: float, seconds: float, record: bool) -> dict[str, float]:
    """Lateness of ``hz * seconds`` sends, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        game = open_game(
            Target(launch=find_recipe("runner"), headless=True, keep=False),
            log=Path(folder, "game.log"),
        )
        video = VideoRecorder(Path(folder, "v.mp4"), game.another_grabber, hz) if record else None
        late: list[float] = []
        try:
            epoch = game.controls.arm()
            for chunk in range(int(hz * seconds) // CHUNK):
                state = GamepadState(left=(1.0 if chunk // 4 % 2 else -1.0, 0.0))
                for _, pressed in game.controls.play([state] * CHUNK, 1.0 / hz, epoch):
                    late.append((pressed.at - pressed.due) * 1000)
                    if video is not None:
                        video.put(PadSample(state, pressed.at))
        finally:
            game.close()
            if video is not None:
                video.close()
    figures = {f"p{rank:g}": round(percentile(late, rank) or 0, 3) for rank in (50, 90, 99, 100)}
    share = sum(ms <= TARGET_MS for ms in late) / len(late)
    return {**figures, "share_within_3_ms": round(share, 4), "sends": len(late)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--hz", type=float, default=60.0)
    options = parser.parse_args()
    result = {
        name: measure(options.hz, options.seconds, record)
        for name, record in (("alone", False), ("recording", True))
    }
    if options.json:
        print(json.dumps({"hz": options.hz, "late_ms": result}, indent=2))
        return
    print(f"lateness of sends at {options.hz:g} Hz, ms (target: 99 % within {TARGET_MS:g})")
    for name, row in result.items():
        print(f"  {name:10}", "  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
