"""Made-up clips in a folder, with all that is known of them: to look at, or to train elsewhere.

    DIR/
      sheet.png              looks, neutral and with everything pressed
      clips.json             of each clip: where the controller is, its look, how it was coded
      labels.parquet         a row for each frame of each clip
      clips/NUMBER.mp4
      places/NUMBER.png      which element is where, counted from 1 by ``elements`` of clips.json
      masks/NUMBER.png       where the controller is: 255

Frames come in stretches of play of ``RUN`` frames; ``run`` says which one a row is of.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from av.video.stream import VideoStream

from nitropilot.dataset.looks.making import pad_of
from nitropilot.dataset.pad import SIDES
from nitropilot.dataset.styles.clip import RUN, RUNS
from nitropilot.dataset.styles.coding import framed, options
from nitropilot.dataset.styles.maps import box_of, drawn_of, places_of
from nitropilot.dataset.styles.page import page
from nitropilot.dataset.styles.sample import ELEMENTS
from nitropilot.dataset.styles.stream import clips, samples
from nitropilot.dataset.synth.clips import LIBRARIES
from nitropilot.records.format import PUBLISHED_BUTTONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.dataset.pose import Box
    from nitropilot.dataset.styles.clip import Clip

RATE = 30
"""Frames a second that the clips are said to have."""
OF_A_CLIP = RUNS * (RUN - 1)
"""Samples: every frame but the first of each stretch."""
SHEET = 48
"""Looks on the sheet at most."""
MEASURED = 1120
"""Samples at most by which the rate is measured."""


@dataclass(frozen=True)
class Written:
    """What a folder holds.

    Attributes:
        clips: How many.
        samples: How many a learned reader gets of them.
        looks: Different ones.
        rate: Samples that the stream gives in a second of one core.
    """

    clips: int
    samples: int
    looks: int
    rate: float


def write_folder(
    folder: Path, count: int, seed: int, tell: Callable[[str, float], None]
) -> Written:  # fmt: skip
    """Write at least so many samples' clips into a folder that is not there yet.

    Args:
        folder: Where.
        count: Samples that are wanted; whole clips are written.
        seed: Decides all; the clips are those of ``samples(seed)``.
        tell: Is told how far it is.

    Raises:
        OSError: There is no room.
    """
    number = -(-count // OF_A_CLIP)
    for name in ("clips", "places", "masks"):
        (folder / name).mkdir(parents=True)
    facts: list[dict[str, Any]] = []
    tables = []
    for index, clip in enumerate(islice(clips(seed), number)):
        facts.append(_write_clip(folder, f"{index:06d}", clip))
        tables.append(_rows(index, clip))
        tenth = 10 * (index + 1) // number
        tell(f"{tenth} tenths of {number} clips", (index + 1) / number)
    pq.write_table(pa.concat_tables(tables), folder / "labels.parquet")
    about = {"seed": seed, "rate": RATE, "elements": ELEMENTS, "clips": facts}
    (folder / "clips.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    looks = sorted({one["style"] for one in facts}, key=[one["style"] for one in facts].index)
    _write_png(folder / "sheet.png", page([pad_of(look) for look in looks[:SHEET]])[..., ::-1])
    return Written(number, number * OF_A_CLIP, len(looks), measured(seed, min(count, MEASURED)))


def measured(seed: int, count: int) -> float:
    """Samples of a stream in a second that one core computes, over whole clips after the first."""
    stream = samples(seed, pool=1)
    for _ in islice(stream, OF_A_CLIP):
        pass
    whole = -(-count // OF_A_CLIP) * OF_A_CLIP
    began = time.process_time()
    for _ in islice(stream, whole):
        pass
    return whole / (time.process_time() - began)


def _write_clip(folder: Path, name: str, clip: Clip) -> dict[str, Any]:
    stage, coding, pad = clip.stage, clip.coding, clip.pad
    size = (stage.height, stage.width)
    with av.open(str(folder / "clips" / f"{name}.mp4"), "w") as container:
        stream = container.add_stream(
            LIBRARIES[coding.codec], rate=Fraction(RATE), options=options(coding)
        )
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = stage.width, stage.height, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, RATE)
        for number, planes in enumerate(clip.frames()):
            container.mux(stream.encode(framed(planes, number)))
        container.mux(stream.encode())
    _write_png(folder / "places" / f"{name}.png", places_of(pad, stage.matrix, size))
    drawn = drawn_of(pad, stage.matrix, size).astype(np.uint8)
    _write_png(folder / "masks" / f"{name}.png", 255 * drawn)
    return {
        "clip": name, "width": stage.width, "height": stage.height, "style": pad.seed,
        **pad.facts, "opacity": round(clip.opacity, 4), "opaque": clip.opaque,
        "box": _four(box_of(pad, stage.matrix)), "guessed_box": _four(stage.box),
        "canvas": list(pad.canvas), "matrix": stage.matrix.round(6).tolist(),
        "codec": coding.codec, "crf": coding.crf, "preset": coding.preset,
        "shown": [name for name, shown in zip(ELEMENTS, _shown(clip), strict=True) if shown],
    }  # fmt: skip


def _shown(clip: Clip) -> list[bool]:
    pad = clip.pad
    return [*pad.shown_buttons.tolist(), *pad.shown_sticks.tolist()]


def _rows(index: int, clip: Clip) -> pa.Table:
    """One for each frame: what the controller in it shows."""
    rows = clip.rows
    buttons, states = clip.played.published()[rows], clip.played
    columns: dict[str, Any] = {
        "clip": np.full(len(rows), index, np.int32),
        "frame": np.arange(len(rows), dtype=np.int32),
        "run": (np.arange(len(rows)) // RUN).astype(np.int32),
    }
    columns |= {name: buttons[:, at] for at, name in enumerate(PUBLISHED_BUTTONS)}
    for at, side in enumerate(SIDES):
        columns[f"j_{side}"] = list(states.sticks[rows, 2 * at : 2 * at + 2])
        columns[f"{side}_pull"] = states.triggers[rows, at]
    return pa.table(columns)


def _four(box: Box) -> list[int]:
    return [box.left, box.top, box.width, box.height]


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    done, coded = cv2.imencode(".png", picture)
    assert done
    path.write_bytes(coded.tobytes())
