"""What importing the room costs."""

from __future__ import annotations

import subprocess
import sys

from tests.support.places import ROOT

HEAVY = {"torch", "cv2", "safetensors"}


def test_reading_actions_and_pictures_needs_no_torch() -> None:
    """A client of a policy server decodes actions on a machine without torch."""
    code = (
        "import sys\n"
        "from nitropilot.policy import actions, config, observation\n"
        f"loaded = {HEAVY!r} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
