"""The pictures that activations are measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nitropilot.engines.calibration import pictures
from nitropilot.engines.calibration.pictures import (
    CHECKED,
    FOLDER,
    MEASURED,
    pictures_to_check,
    pictures_to_measure,
)
from nitropilot.engines.errors import EngineError


def test_there_are_enough_of_them_and_none_is_in_both_parts() -> None:
    """What was measured on proves nothing of what was not."""
    measured, checked = pictures_to_measure(64), pictures_to_check(64)
    assert measured.shape == (MEASURED, 3, 64, 64) == (64, 3, 64, 64)
    assert checked.shape == (CHECKED, 3, 64, 64)
    for frames in (measured, checked):
        assert frames.dtype == np.float32
        assert -1 <= frames.min() < -0.5 < 0.5 < frames.max() <= 1
    flat = np.concatenate([measured, checked]).reshape(MEASURED + CHECKED, -1)
    apart = np.abs(flat[:, None, ::7] - flat[None, :, ::7]).mean(axis=2)
    np.fill_diagonal(apart, 1)
    assert apart.min() > 0.01, "no two show the same"


def test_they_are_of_several_games_and_whose_they_are_is_said() -> None:
    """Without a licence nobody may hand them on."""
    games = {path.name.split("-")[0] for path in FOLDER.glob("*.webp")}
    said = (FOLDER / "LICENSE.txt").read_text()
    assert len(games) >= 2
    for game in games:
        assert f"{game}-*.webp" in said
    assert sum(path.stat().st_size for path in FOLDER.glob("*.webp")) < 2e6


def test_a_set_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that was put together without its pictures."""
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    (tmp_path / "damaged.webp").write_text("no picture")
    with pytest.raises(EngineError, match="0 of 72 pictures to measure with are in") as failure:
        pictures_to_measure(64)
    assert failure.value.hint
    assert "\n" not in failure.value.line()
