"""What should come of each play: files beside this one, rewritten by ``make golden-update``.

They are only to be rewritten when the program is meant to do something else than before; the
commit says what and why.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as Pillow

from tests.golden.normal import difference, write
from tests.golden.overlay import browser, tools, watch
from tests.golden.scenarios import SCENARIOS
from tests.golden.world import CLOSE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parent / "expected"
LIBRARIES, TOOLS, OVERLAY = "libraries.json", "tools.json", "overlay.json"
IGNORED = "NITROPILOT_GOLDEN_UPDATE"
"""Set in the environment, nothing is expected."""
PARTS = ("wrong", "asked", "boundary", "trace", "events", "answers", "drawn", "recordings",
         "files", "video")  # fmt: skip
"""Of an outcome."""


def chunks(name: str) -> NDArray[np.float32] | None:
    """The chunks of a play, ``N x T x A``; None when they are not known yet."""
    path = FOLDER / name / "chunks.npz"
    if os.environ.get(IGNORED) or not path.exists():
        return None
    with np.load(path) as arrays:
        found: NDArray[np.float32] = arrays["chunks"]
        return found


def outcome(name: str) -> dict[str, Any]:
    """Everything else that is known of a play."""
    path = FOLDER / name / "outcome.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def overlay(name: str) -> tuple[dict[str, Any], list[NDArray[np.uint8]]]:
    """What the overlay shows of a play, and pictures of it; none where other tools paint."""
    text = (FOLDER / name / OVERLAY).read_text(encoding="utf-8")
    if json.loads((FOLDER / TOOLS).read_text(encoding="utf-8")) != tools():
        return json.loads(text), []
    paths = sorted((FOLDER / name).glob("overlay-*.png"))
    return json.loads(text), [np.asarray(Pillow.open(path)) for path in paths]


def libraries() -> dict[str, str]:
    """What draws here."""
    return {"machine": platform.machine(), "opencv": version("opencv-python-headless")}


def other_libraries() -> bool:
    """Whether something else drew what is expected: then not each pixel is the same."""
    found: dict[str, str] = json.loads((FOLDER / LIBRARIES).read_text(encoding="utf-8"))
    return found != libraries()


def compare(folder: Path, name: str, part: str) -> str:
    """Where a part of a play that was fed back is not as expected; "" if it is."""
    if part == "chunks":
        return _compare_chunks(folder, name)
    wanted = outcome(name)
    found = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    if part == "drawn" and other_libraries():
        for one in (wanted, found):  # letters and edges are drawn a little otherwise there
            for stream in one["drawn"].values():
                stream.pop("digests")
    return difference(wanted[part], found[part], part)


def _compare_chunks(folder: Path, name: str) -> str:
    wanted = chunks(name)
    if wanted is None:
        return "nothing is expected yet: see make golden-update"
    with np.load(folder / "chunks.npz") as arrays:
        found = arrays["chunks"]
    for number, (old, new) in enumerate(zip(wanted, found, strict=False)):
        if (apart := float(np.abs(old - new).max())) > CLOSE:
            return f"chunk {number} is off by {apart:.6f}"
    return "" if len(wanted) == len(found) else f"{len(found)} chunks, expected {len(wanted)}"


def compare_overlay(one: Browser, folder: Path, name: str) -> str:
    """Where the overlay shows something else of a play than expected; "" if it does not."""
    wanted, pictures = overlay(name)
    found, shots = watch(one, folder, SCENARIOS[name])
    if why := difference(wanted, found, "overlay"):
        return why
    for number, (old, new) in enumerate(zip(pictures, shots, strict=bool(pictures))):
        if other := int((old != new).any(axis=2).sum()):
            return f"picture {number} of the overlay differs in {other} pixels"
    return ""


def fed_back(folder: Path, rounds: int, *names: str, **environment: str) -> None:
    """Feed plays back into a folder, in a process of their own; see ``tests.golden.replay``."""
    command = [sys.executable, "-m", "tests.golden.replay", str(folder), *names]
    given = {**os.environ, "PYTHONHASHSEED": "0", **environment}
    done = subprocess.run(
        [*command, "--rounds", str(rounds)], env=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]


def update() -> None:
    """Feed all plays back, and keep what comes of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fed_back(folder, 1, **{IGNORED: "1"})
        for play in SCENARIOS:
            target = FOLDER / play
            target.mkdir(parents=True, exist_ok=True)
            for file in ("outcome.json", "chunks.npz"):
                shutil.copy(folder / "0" / play / file, target / file)
        overlays(folder / "0")
    text = json.dumps(libraries(), indent=1)
    (FOLDER / LIBRARIES).write_text(text + "\n", encoding="utf-8")


def overlays(plays: Path) -> None:
    """Keep what the overlay shows of plays that were fed back."""
    with browser() as one:
        for play in SCENARIOS:
            shown, shots = watch(one, plays / play, SCENARIOS[play])
            write(FOLDER / play / OVERLAY, shown)
            for number, shot in enumerate(shots):
                Pillow.fromarray(shot).save(FOLDER / play / f"overlay-{number}.png")
    (FOLDER / TOOLS).write_text(json.dumps(tools(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    update()
