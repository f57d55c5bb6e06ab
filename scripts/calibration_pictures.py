"""Take the pictures of ``engines/calibration``: ``python -m scripts.calibration_pictures``.

A policy with random weights plays levels of SuperTux, and the runner; now and then a frame of the
recording is kept.  Needs SuperTux and Xvfb.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from nitropilot.engines.calibration.pictures import CHECKED, FOLDER, MEASURED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Array = np.ndarray[Any, Any]

LEVELS = Path("/usr/share/games/supertux2/levels")
SHOWN = (
    "world1/welcome_antarctica", "world1/fork_in_the_road", "world1/frosted_fields",
    "world1/entrance_cave", "world1/icy_valley", "world1/crystal_mine", "world1/above_arctic_skies",
    "world1/frozen_bridge", "world2/beside_bushes", "world2/lost_village", "world2/mouldy_grotto",
    "world2/owls_again", "world2/crumbling_path", "world2/ghostly_misery",
)  # fmt: skip
SECONDS, SIDE, QUALITY = 28, 256, 85
DARK = 24
"""Mean brightness, of 255, below which a frame is a title card and no game."""
EACH = 16
"""Frames of each play, of which those are kept that differ most from each other."""
RUNNERS = 4
"""Plays of the runner, beside one of each level."""


def games(folder: Path) -> Iterator[tuple[str, str]]:
    """Name and ``--launch`` of each play."""
    for level in SHOWN:
        path = LEVELS / f"{level}.stl"
        if path.exists():
            start = f"--userdir {folder}/tux -w -g 800x600 --disable-sound --disable-music"
            yield f"supertux-{path.stem}", f"/usr/games/supertux2 {start} {path}"
    for number in range(RUNNERS):
        yield f"runner-{number}", "runner"


def play(folder: Path, launch: str, seed: int) -> Path:
    """Play for a while; the video of the recording."""
    command = [
        *(sys.executable, "-m", "nitropilot", "play", "--launch", launch, "--headless"),
        *("--mode", "realtime", "--policy", f"random:tiny:{seed}", "--engine", "torch"),
        *("--seconds", str(SECONDS), "--record", "--out", str(folder)),
    ]
    subprocess.run(command, check=True)
    return next(folder.rglob("video.mp4"))


def frames(video: Path, count: int) -> Iterator[Array]:
    """Frames at even distances; none of a play that shows too little."""
    with av.open(str(video)) as container:
        decoded = (one.to_ndarray(format="bgr24") for one in container.decode(video=0))
        shown = [picture for picture in decoded if picture.mean() > DARK]
    if len(shown) > count:
        for number in range(1, count + 1):
            yield shown[len(shown) * number // (count + 1)]


def most_different(pictures: list[tuple[str, Array]], count: int) -> list[tuple[str, Array]]:
    """Of all pictures, again and again the one that is least like those taken before it."""
    small = [cv2.resize(one, (32, 32), interpolation=cv2.INTER_AREA) for _, one in pictures]
    flat = np.stack(small).reshape(len(small), -1).astype(np.float32)
    taken = [0]
    nearest = np.abs(flat - flat[0]).mean(axis=1)
    while len(taken) < count:
        taken.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.abs(flat - flat[taken[-1]]).mean(axis=1))
    return [pictures[place] for place in sorted(taken)]


def main() -> None:
    """Take them anew, as many as there are to be."""
    found: list[tuple[str, Array]] = []
    with tempfile.TemporaryDirectory() as name:
        for seed, (game, launch) in enumerate(games(Path(name))):
            video = play(Path(name) / game, launch, seed)
            found += [(f"{game}-{n}", one) for n, one in enumerate(frames(video, EACH))]
    wanted = MEASURED + CHECKED
    if len(found) < wanted:
        sys.exit(f"only {len(found)} of {wanted} pictures: more levels have to be shown")
    for old in FOLDER.glob("*.webp"):
        old.unlink()
    for game, picture in most_different(found, wanted):
        small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(FOLDER / f"{game}.webp"), small, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    print(f"{wanted} pictures of {len(found)} are in {FOLDER}")


if __name__ == "__main__":
    main()
