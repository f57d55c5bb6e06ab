"""One training in a folder: two would write each other's states over."""

from __future__ import annotations

from pathlib import Path

import pytest

from nitropilot.pocket.__main__ import alone
from nitropilot.pocket.errors import PocketError


def test_a_second_training_is_refused(tmp_path: Path) -> None:
    """In one line, at once; the folder is free again when the first one is over."""
    with alone(tmp_path / "run"):
        with pytest.raises(PocketError, match="another training runs in") as caught:
            alone(tmp_path / "run").__enter__()
        assert "--out" in caught.value.hint
        with alone(tmp_path / "other"):
            pass
    with alone(tmp_path / "run"):
        pass


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    """A file where the folder should be is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(PocketError, match=r"file.* cannot be used"):
        alone(tmp_path / "file" / "run").__enter__()
