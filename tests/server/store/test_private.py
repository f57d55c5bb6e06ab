"""Private files where the system lets nobody replace a file that is read, as Windows does."""

from __future__ import annotations

from pathlib import Path

import pytest

from nitropilot.server.store import private
from nitropilot.server.store.private import write_private

SHARING_VIOLATION = 32


def replace_fails(
    monkeypatch: pytest.MonkeyPatch, times: float, winerror: int | None = SHARING_VIOLATION
) -> list[Path]:
    """Have so many tries to replace a file fail as in Windows; returns the list of all tries."""
    really, tries = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        tries.append(target)
        if len(tries) <= times:
            error = PermissionError(13, "in use by another process")
            if winerror is not None:
                error.winerror = winerror  # type: ignore[attr-defined,unused-ignore]
            raise error
        return really(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    return tries


def test_a_reader_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that was made while `tokens list` read the file was lost, with an error."""
    path = tmp_path / "tokens.json"
    path.write_text("old")
    monkeypatch.setattr(private, "REPLACE_PATIENCE_S", 60.0)
    tries = replace_fails(monkeypatch, 3)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert len(tries) == 4


@pytest.mark.parametrize(("patience", "winerror"), [(0.0, SHARING_VIOLATION), (60.0, None)])
def test_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float, winerror: int | None
) -> None:
    """A program that keeps the file, or a folder that may not be written to, is an error."""
    path = tmp_path / "settings.toml"
    path.write_text("old")
    monkeypatch.setattr(private, "REPLACE_PATIENCE_S", patience)
    tries = replace_fails(monkeypatch, float("inf"), winerror)
    with pytest.raises(PermissionError):
        write_private(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path], "nothing half written is left"
    assert len(tries) == 1
