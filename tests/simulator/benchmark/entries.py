"""Policies that enter in tests, good ones and bad ones; each is a file's function."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

AFTER = 60
"""Steps after which the bad ones fail."""
_count = 0


def right(picture: Any, info: dict[str, Any]) -> Any:
    """Walk to the right; dies of it in every game."""
    assert picture.dtype == np.uint8 and picture.shape[2] == 3 and picture.flags.writeable
    assert {"goal", "seed", "step", "task", "track"} <= info.keys()
    assert not {"judge", "progress", "success"} & info.keys()
    actions = np.zeros((16, 20), np.float32)
    actions[:, 16] = 1.0
    return actions


def counts(picture: Any, info: dict[str, Any]) -> Any:
    """Remembers how often it was asked in this episode: the left stick says so."""
    global _count
    _count += 1
    actions = np.zeros((16, 20))
    actions[:, 17] = _count / 1000
    return actions


def _forget(info: dict[str, Any]) -> None:
    global _count
    assert info["step"] == 0
    _count = 0


counts.reset = _forget  # type: ignore[attr-defined]


def raises(picture: Any, info: dict[str, Any]) -> Any:
    """An error of its own, and something printed beside."""
    print("this is no message of ours")
    if info["step"] >= AFTER:
        raise ValueError("I do not know what to do")
    return right(picture, info)


def slow(picture: Any, info: dict[str, Any]) -> Any:
    """Takes a third of a second for a quarter of one."""
    time.sleep(1 / 3)
    return right(picture, info)


def leaves(picture: Any, info: dict[str, Any]) -> Any:
    """Ends its process."""
    return os._exit(3) if info["step"] >= AFTER else right(picture, info)


def breaks(picture: Any, info: dict[str, Any]) -> Any:
    """Reads at address 0, as broken extensions do."""
    return ctypes.string_at(0) if info["step"] >= AFTER else right(picture, info)


def nan(picture: Any, info: dict[str, Any]) -> Any:
    """A number that is none."""
    actions = right(picture, info)
    actions[3, 5] = np.nan if info["step"] >= AFTER else 0.0
    return actions


def narrow(picture: Any, info: dict[str, Any]) -> Any:
    """Another layout's width."""
    return right(picture, info)[:, : 20 if info["step"] < AFTER else 12]


def says(picture: Any, info: dict[str, Any]) -> Any:
    """Words."""
    return "right" if info["step"] >= AFTER else right(picture, info)


def hangs(picture: Any, info: dict[str, Any]) -> Any:
    """Never answers; its child does not end by itself either."""
    if info["step"] >= AFTER:
        mark = os.environ.get("MARK", "")
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)", mark])
        if mark:
            Path(mark).write_text(f"{os.getpid()} {child.pid}")
        time.sleep(3600)
    return right(picture, info)


NUMBER = 3


class Wrong:
    """Its constructor takes nothing."""
