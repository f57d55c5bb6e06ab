"""``describe``: what ``policies inspect`` shows."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from nitropilot.policy import CheckpointError, describe
from tests.policy.samples import NAMES, checkpoint, fixture_path


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_those_of_the_file(name: str) -> None:
    """A wrong count or hash sends people looking for a damaged download."""
    path, stored = fixture_path(name), checkpoint(name)
    facts = describe(path)
    assert facts.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (facts.format, facts.bytes) == ("pt", path.stat().st_size)
    tensors = {k: v for k, v in stored["model"].items() if not k.endswith("pos_embed.pe")}
    assert facts.parameters == sum(tensor.numel() for tensor in tensors.values())
    assert facts.parameters == sum(facts.parameters_by_part.values()) + facts.parameters_unused
    assert facts.parameters_unused > 0
    assert facts.dtypes == ("float32",)


def test_sizes_come_from_the_configuration() -> None:
    """These are what people compare before they blame the game."""
    facts = describe(fixture_path("horizon18_steps4"))
    assert (facts.horizon, facts.steps, facts.action_shift, facts.action_dim) == (18, 4, 3, 25)
    assert (facts.image_size, facts.tokens_per_frame, facts.sequence_length) == (64, 16, 16)
    assert (facts.vision_width, facts.vision_layers, facts.vision_heads) == (64, 2, 1)
    assert (facts.mixer_layers, facts.dit_layers, facts.dit_width, facts.dit_heads) == (1, 3, 64, 1)
    assert facts.dit_interleaved
    assert describe(fixture_path("two_frames_game")).game_rows == 3
    assert describe(fixture_path("two_frames_game")).frames == 2


def test_it_is_plain_json() -> None:
    """``--json`` prints it for other programs."""
    facts = describe(fixture_path("single_frame"))
    again = json.loads(facts.model_dump_json())
    assert again["horizon"] == 16
    assert again["games"] == {}


def test_a_bad_file_is_refused_as_by_loading(tmp_path: Path) -> None:
    """Inspecting is what careful people do first: it must not be the softer door."""
    bad = tmp_path / "bad.pt"
    bad.write_bytes(fixture_path("single_frame").read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"bad\.pt"):
        describe(bad)
