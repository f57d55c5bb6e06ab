"""A private display is private."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from nitropilot.agent.target.display import PrivateDisplay


def connects(name: str, user: str | None) -> bool:
    """Whether ``user`` (None: ourselves) can connect to the display ``name``."""
    environment = {"DISPLAY": name, "PATH": os.environ["PATH"]}
    return (
        subprocess.run(["xdpyinfo"], env=environment, user=user, capture_output=True).returncode
        == 0
    )


@pytest.mark.skipif(shutil.which("xdpyinfo") is None, reason="needs xdpyinfo (x11-utils)")
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs two users: root")
def test_other_users_cannot_watch_or_type(x_display: PrivateDisplay) -> None:
    """Without an authority Xvfb lets every user of the machine in."""
    assert connects(x_display.name, None)
    assert not connects(x_display.name, "nobody")
