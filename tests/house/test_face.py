"""``import nitropilot``: what a developer's script begins with."""

from __future__ import annotations

import subprocess
import sys

import pytest

import nitropilot
from tests.support.places import ROOT

HEAVY = {"torch", "numpy", "cv2", "psutil", "pydantic", "asyncio", "nitropilot.agent"}


@pytest.mark.parametrize("name", nitropilot.__all__)
def test_what_it_offers_is_there(name: str) -> None:
    """A late name that leads nowhere fails only in a user's hands."""
    assert getattr(nitropilot, name) is not None
    assert name in dir(nitropilot)


def test_what_it_has_not_is_said_as_python_does() -> None:
    """``hasattr`` and ``from nitropilot import x`` rely on the error's kind."""
    assert not hasattr(nitropilot, "no_such_thing")
    with pytest.raises(ImportError, match="no_such_thing"):
        exec("from nitropilot import no_such_thing")


def test_it_loads_nothing_heavy() -> None:
    """A script that asks for the version must not wait for torch."""
    code = f"import sys, nitropilot; print(*{HEAVY!r} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
