"""What TensorBoard shows, read back with its own reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.training.trainer.logs import BOARD, read_log
from nitropilot.training.trainer.running import train
from tests.training.making import told

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("tensorboard")


def test_tensorboard_has_the_rows_of_the_log(material: Path, tmp_path: Path) -> None:
    """Every figure of every row at its step; a run that goes on is one curve, and not two."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    asked = iter([False, False])
    config = told(material, tensorboard=True, held_out=0.3, validate_every=2)
    assert train(config, tmp_path, stopping=lambda: next(asked, True)).step == 2
    train(config, tmp_path)
    rows = read_log(tmp_path)
    reader = EventAccumulator(str(tmp_path / BOARD)).Reload()
    wanted = {name for row in rows for name, value in row.items() if value}
    assert set(reader.Tags()["scalars"]) == wanted
    assert {"loss", "held_out_loss", "learning_rate", "samples_per_s"} <= wanted
    for name in wanted:
        of_the_log = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
        shown = [(event.step, event.value) for event in reader.Scalars(name)]
        assert [step for step, _ in shown] == [step for step, _ in of_the_log], name
        assert [value for _, value in shown] == pytest.approx(
            [value for _, value in of_the_log], rel=1e-6
        ), name
