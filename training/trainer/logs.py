"""What a run did, row by row: ``log.csv``, and TensorBoard beside it where asked for."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING

from nitropilot.policy.actions import TOKENS
from nitropilot.training.errors import BadSettings, NotWritten
from nitropilot.training.trainer.files import LOG, written
from nitropilot.training.trainer.scoring import STICKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch.utils.tensorboard import SummaryWriter

    from nitropilot.training.trainer.scoring import Scores

COLUMNS = (
    "step", "epoch", "loss", "learning_rate", "gradient_norm", "seconds", "samples_per_s",
    "data_share", "mfu", "memory_gib", "held_out_loss", "held_out_f1", "held_out_r2",
    "play_success", "play_progress",
    *(f"f1_{name}" for name in TOKENS), *(f"r2_{name}" for name in STICKS),
)  # fmt: skip
BOARD = "tensorboard"


class Log:
    """Appends rows.

    Args:
        folder: Of the run.
        step: Rows of later steps are dropped: the run goes on from there.
        board: Whether to write for TensorBoard as well.

    Raises:
        BadSettings: TensorBoard is asked for and not installed.
        NotWritten: The disk is full, or the folder is not to be written.
    """

    def __init__(self, folder: Path, step: int, board: bool) -> None:
        self._path = folder / LOG
        kept = [row for row in read_log(folder) if int(row["step"]) <= step]
        with written(self._path) as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(kept)
        self._file: IO[str] = self._path.open("a", encoding="utf-8", newline="")
        self._rows = csv.DictWriter(self._file, COLUMNS)
        self._board = _open_board(folder / BOARD, step) if board else None

    def add(self, row: Mapping[str, float | int]) -> None:
        """Append a row; it is with the operating system when this returns."""
        try:
            self._rows.writerow(row)
            self._file.flush()
        except OSError as error:
            raise NotWritten(
                f"cannot write {self._path}: {error.strerror}", "make room there"
            ) from error
        if self._board is not None:
            for name, value in row.items():
                self._board.add_scalar(name, value, int(row["step"]))

    def close(self) -> None:
        """Write nothing more."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_log(folder: Path) -> list[dict[str, str]]:
    """The whole rows of a run's log; none where there is no log."""
    path = folder / LOG
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row for row in rows if row.get("step", "").isdecimal() and None not in row.values()]


def score_row(scores: Scores) -> dict[str, float]:
    """What the log has of a validation."""
    row = {"held_out_loss": scores.loss}
    if scores.mean_f1 is not None:
        row["held_out_f1"] = scores.mean_f1
    if scores.mean_r2 is not None:
        row["held_out_r2"] = scores.mean_r2
    row |= {f"f1_{name}": value for name, value in scores.f1.items()}
    return row | {f"r2_{name}": value for name, value in scores.r2.items()}


def _open_board(folder: Path, step: int) -> SummaryWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise BadSettings(
            "TensorBoard is not installed",
            "install it with: pip install 'nitropilot[training]'; log.csv has the same figures",
        ) from None
    return SummaryWriter(str(folder), purge_step=step + 1)
