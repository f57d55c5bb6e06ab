"""Importing capture must be free."""

from __future__ import annotations

import subprocess
import sys


def test_importing_touches_no_backend() -> None:
    """`nitropilot --help` must work where no display, no libxcb and no OpenCV exist."""
    program = (
        "import sys, nitropilot.capture; print({'mss', 'Xlib', 'cv2', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
