"""The format is the published one, and the pad's."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nitropilot.agent.pad.mapping import TOKEN_BUTTONS
from nitropilot.controller import Button
from nitropilot.policy.actions import TOKENS
from nitropilot.records import reader, writer
from nitropilot.records.format import BUTTON_BITS, OUR_COLUMNS, PUBLISHED_BUTTONS, Source, metadata
from nitropilot.records.rows import published_schema, schema

if TYPE_CHECKING:
    from types import ModuleType


def test_the_bits_are_the_pads() -> None:
    """A bit that means another button here is learned as that other button."""
    assert {name.lower(): int(button) for name, button in TOKEN_BUTTONS.items()} == BUTTON_BITS
    assert set(BUTTON_BITS.values()) == {int(button) for button in Button}


def test_the_published_buttons() -> None:
    """They are selected by name, and a policy's tokens are made of them."""
    assert PUBLISHED_BUTTONS == (
        "back", "dpad_down", "dpad_left", "dpad_right", "dpad_up", "east", "guide",
        "left_shoulder", "left_thumb", "left_trigger", "north", "right_shoulder", "right_thumb",
        "right_trigger", "south", "start", "west",
    )  # fmt: skip
    assert {name.upper() for name in PUBLISHED_BUTTONS} == {
        token for token in TOKENS if token not in
        ("RIGHT_BOTTOM", "RIGHT_LEFT", "RIGHT_RIGHT", "RIGHT_UP")
    }  # fmt: skip


def test_columns_and_types() -> None:
    """Another name or type is a column that a trainer does not find."""
    types = {field.name: str(field.type) for field in schema()}
    assert types == {
        **dict.fromkeys(PUBLISHED_BUTTONS, "bool"),
        "j_left": "list<item: double>", "j_right": "list<item: double>",
        "frame_index": "int64", "frame_time": "double", "sent_time": "double",
        "stretch": "int64", "source": "string",
        "trigger_left": "double", "trigger_right": "double",
        "policy_chunk": "int64", "policy_action": "int64", "frame_repeated": "bool",
    }  # fmt: skip
    assert list(types) == [*published_schema().names, *OUR_COLUMNS]


def test_metadata() -> None:
    """The published keys, in the units that their readers expect."""
    source = Source("20261128-120000-0123abcd", "game", 60.0, (720, 1280))
    assert source.chunk_rows == 1200
    gap = metadata(source, 2, 2400, 300, 45.0)["original_video"]
    assert (gap["start_time"], gap["end_time"], gap["duration"]) == (45.0, 50.0, 5.0)
    assert metadata(source, 2, 2400, 300) == {
        "uuid": "20261128-120000-0123abcd_chunk_0002",
        "chunk_id": "0002",
        "chunk_size": 300,
        "game": "game",
        "controller_type": "xbox",
        "original_video": {
            "resolution": [720, 1280],
            "video_id": "20261128-120000-0123abcd",
            "source": "nitropilot",
            "url": "",
            "start_time": 40.0,
            "end_time": 45.0,
            "duration": 5.0,
            "start_frame": 2400,
            "end_frame": 2700,
        },
        "bbox_controller_overlay": [0, 0, 0, 0],
        "bbox_game_area": {"xtl": 0.0, "ytl": 0.0, "xbr": 1.0, "ybr": 1.0},
    }


@pytest.mark.parametrize("module", [reader, writer])
def test_importing_costs_nothing(module: ModuleType) -> None:
    """A daemon that never records must not load pyarrow, which takes a second."""
    loaded = "{'pyarrow', 'numpy'} & sys.modules.keys()"
    code = f"import {module.__name__}, sys; assert not {loaded}, {loaded}"
    subprocess.run([sys.executable, "-c", code], check=True)
