"""Recordings made for the tests of training: what is to be pressed can be seen in the picture."""

from __future__ import annotations

import copy
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from nitropilot.policy import save_policy
from nitropilot.policy.config import parse_config
from nitropilot.policy.network.policy import Policy, Sizes
from nitropilot.policy.network.random_weights import architecture, fill_randomly
from nitropilot.records.format import BUTTON_BITS, FACTS, FORMAT, VIDEO, Source
from nitropilot.records.rows import Row
from nitropilot.records.writer import RowLog, write_json
from nitropilot.training.trainer.config import read_config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.training.trainer.config import TrainConfig

HZ = 20.0
SIDE = 64
LORA: dict[str, Any] = {
    "lora": 2, "lora_alpha": 6.0, "steps": 3, "learning_rate": 1e-2, "ema": 0.5,
}  # fmt: skip
"""A short run in which adapters learn quickly."""


def name_of(number: int) -> str:
    """The id of a recording."""
    return f"20261128-12{number:04d}-0123abcd"


def phase(number: int, row: int) -> int:
    """What happens in a row: one of 8, in an order of the recording's own, 3 rows each."""
    return (row // 3 * (2 * number + 3) + number) % 8


def picture(number: int, row: int) -> NDArray[np.uint8]:
    """``SIDE x SIDE x 3``: a bright square on one of 8 places, and the row's number in bits."""
    shown = np.full((SIDE, SIDE, 3), 40, np.uint8)
    x, y = 16 * (phase(number, row) % 4), 32 * (phase(number, row) // 4)
    shown[y : y + 16, x : x + 16] = (250, 200, 60)
    for bit in range(8):
        shown[48:64, 8 * bit : 8 * bit + 8] = 255 * (row >> bit & 1)
    return shown


def row_of(number: int, row: int, hz: float = HZ) -> Row:
    """A row: left stick and SOUTH say where the square is."""
    now = phase(number, row)
    return Row(
        frame_index=row, frame_time=1e9 + (row + 0.9) / hz, sent_time=1e9 + row / hz,
        stretch=0, source="human", policy_chunk=-1, policy_action=-1, frame_repeated=False,
        left_x=now % 4 / 2 - 0.75, left_y=0.5, right_x=0.0, right_y=0.0, trigger_left=0.0,
        trigger_right=1.0 if now == 5 else 0.0, buttons=BUTTON_BITS["south"] * (now // 4),
    )  # fmt: skip


def recording(
    root: Path,
    number: int = 0,
    rows: int = 60,
    *,
    hz: float = HZ,
    game: str = "squares",
    idle_from: int = 10**6,
    sources: Sequence[str] = (),
    policy: str = "",
) -> Path:
    """A complete recording; nothing is pressed from a row on.

    Args:
        root: The folder of all recordings.
        number: Of it.
        rows: How many.
        hz: Rows a second.
        game: Of what.
        idle_from: From this row on.
        sources: Of each row; none: all a human's.  With each change a stretch begins.
        policy: Fingerprint of the agent's, which its facts name.
    """
    name = name_of(number)
    folder = root / name
    folder.mkdir(parents=True)
    log = RowLog(folder, Source(name, game, hz, (SIDE, SIDE)))
    for row in range(rows):
        made = row_of(number, row, hz)
        rest = replace(made, left_x=0.0, left_y=0.0, trigger_right=0.0, buttons=0)
        row_made = made if row < idle_from else rest
        if sources:
            changes = sum(one != other for one, other in pairwise(sources[: row + 1]))
            row_made = replace(row_made, source=sources[row], stretch=changes)
        log.add(row_made)
    log.close()
    facts: dict[str, Any] = {"format": FORMAT, "id": name, "game": game, "fps": hz, "frames": rows}
    if policy:
        facts["policy"] = {"name": "small", "fingerprint": policy, "random": False}
    write_json(folder / FACTS, facts)
    with av.open(str(folder / VIDEO), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(hz), options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for row in range(rows):
            frame = av.VideoFrame.from_ndarray(picture(number, row), format="rgb24")
            frame.pts = row
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return folder


def small_policy(
    path: Path,
    *,
    games: tuple[str, ...] = (),
    seed: int = 0,
    horizon: int = 4,
    **modality: int,
) -> Path:
    """A checkpoint of the least size at which all parts are there: 32 px, short chunks.

    Args:
        path: Where it is written.
        games: Names for rows of a game embedding.
        seed: Of its weights.
        horizon: Actions of a chunk.
        modality: Changes to its ``modality_cfg``.
    """
    raw, _ = architecture("tiny")
    raw = copy.deepcopy(raw)
    model = raw["model_cfg"]
    for stack in ("diffusion_model_cfg", "vl_self_attention_cfg"):
        model[stack] |= {
            "num_attention_heads": 2, "attention_head_dim": 16, "output_dim": 32,
            "num_layers": 2 if stack == "diffusion_model_cfg" else 1,
        }  # fmt: skip
    model["diffusion_model_cfg"]["cross_attention_dim"] = 32
    model |= {
        "hidden_size": 32, "vision_hidden_size": 32, "action_horizon": horizon,
        "num_inference_timesteps": 8, "vision_encoder_name": "small-siglip-patch16-32",
    }  # fmt: skip
    raw["tokenizer_cfg"] |= {"num_visual_tokens_per_frame": 4, "action_horizon": horizon}
    raw["modality_cfg"] |= {"action_per_chunk": horizon, "frame_spacing": 1, **modality}
    named = {"none": 0} | {game: row for row, game in enumerate(games, 1)} if games else None
    frames = raw["modality_cfg"]["frame_per_sample"]
    raw["tokenizer_cfg"] |= {
        "game_mapping_cfg": named, "max_sequence_length": 4 * frames + bool(games)
    }  # fmt: skip
    shape = Sizes(1, 64, len(named or ()))
    policy = fill_randomly(lambda: Policy(parse_config(raw), shape), "tiny", seed)
    policy.raw_config = raw
    save_policy(policy, path)
    return path


def material_in(root: Path, rows: int) -> Path:
    """``data/`` with two recordings of so many rows, and ``small.safetensors``; gives ``root``."""
    for number in range(2):
        recording(root / "data", number, rows)
    small_policy(root / "small.safetensors")
    return root


def told(root: Path, **more: Any) -> TrainConfig:
    """A configuration that changes no picture and validates on nothing, with more of it."""
    still = {"colour": 0.0, "crop": 0.0, "shift": 0, "blur": 0.0, "jpeg": 0.0, "held_out": 0.0}
    given = {
        "data": [str(root / "data")], "policy": str(root / "small.safetensors"), "steps": 6,
        "batch_size": 4, "log_every": 1, "warm_up": 2, "learning_rate": 1e-3,
    }  # fmt: skip
    return read_config(None, given | still | more)
