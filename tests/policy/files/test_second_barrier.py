"""Two barriers stand before a pickle: our look at its opcodes, and torch's own refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.policy import CheckpointError, load_policy
from nitropilot.policy.files import formats as files
from tests.policy.files.test_hostile import Touch
from tests.policy.samples import checkpoint

if TYPE_CHECKING:
    from pathlib import Path


def test_torch_alone_would_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first barrier hides whether the second one stands: take it away and look."""
    monkeypatch.setattr(files, "foreign_name", lambda pickled: None)
    marker, path = tmp_path / "owned", tmp_path / "ng.pt"
    content = checkpoint()
    content["ckpt_config"]["experiment_name"] = Touch(marker)
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="cannot be loaded safely") as caught:
        load_policy(path)
    assert not marker.exists()
    assert "weights_only" not in caught.value.line()  # torch advises to switch it off
