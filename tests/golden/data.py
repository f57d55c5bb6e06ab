"""What was recorded of a real play, and its files.

    recordings/<play>/frames.mkv    every frame that the policy's grabber returned, lossless
                      noise.npz     what each chunk was started from
                      play.json     when each was taken, what every call at the boundary cost

Nothing here knows the program: see ``tests.golden.adapter`` for that.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]

HERE = Path(__file__).parent
RECORDINGS = HERE / "recordings"
FRAMES, NOISE, PLAY = "frames.mkv", "noise.npz", "play.json"
ARRAYS = ("frames", "noise")
RECORDED = ("runner-paused", "runner-realtime", "supertux-paused", "supertux-realtime")
"""One a game and mode."""


@dataclass
class Recording:
    """One real play at its two lowest boundaries; all times in seconds.

    Attributes:
        game: Its name.
        mode: How it was played.
        window: Executable, title, left, top, width and height.
        seed: Of the noise.
        grabbed: When each frame's grab began, from the play's start.
        grabs: What each grab took.
        inferences: What each chunk took, by part and as a whole (``total``).
        freezes: What each freeze took.
        thaws: What each thaw took that followed one.
        sends: What each state took that was sent to the pad.
        frames: The pictures, ``H x W x 3`` RGB.
        noise: ``T x A`` for each chunk.
    """

    game: str
    mode: str
    window: dict[str, Any]
    seed: int
    grabbed: list[float] = field(default_factory=list)
    grabs: list[float] = field(default_factory=list)
    inferences: list[dict[str, float]] = field(default_factory=list)
    freezes: list[float] = field(default_factory=list)
    thaws: list[float] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)
    frames: list[Image] = field(default_factory=list, repr=False)
    noise: list[NDArray[np.float32]] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.game}-{self.mode}"

    def save(self) -> None:
        """Write it into its folder."""
        folder = RECORDINGS / self.name
        folder.mkdir(parents=True, exist_ok=True)
        _write_frames(folder / FRAMES, self.frames)
        np.savez_compressed(folder / NOISE, noise=np.stack(self.noise))
        facts = {name: value for name, value in asdict(self).items() if name not in ARRAYS}
        (folder / PLAY).write_text(json.dumps(_rounded(facts), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, name: str) -> Recording:
        """Read it from its folder."""
        folder = RECORDINGS / name
        facts = json.loads((folder / PLAY).read_text(encoding="utf-8"))
        with np.load(folder / NOISE) as arrays:
            noise = list(arrays["noise"])
        return cls(**facts, frames=_read_frames(folder / FRAMES), noise=noise)


def _rounded(value: Any) -> Any:
    """Times to the microsecond: finer ones only make the file longer."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value


def _write_frames(path: Path, frames: list[Image]) -> None:
    """H.264 in RGB without loss: pictures of a game have much in common."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=Fraction(30))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "rgb24"
        stream.options = {"qp": "0", "preset": "veryslow"}
        for picture in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def _read_frames(path: Path) -> list[Image]:
    with av.open(str(path)) as container:
        return [
            np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]
