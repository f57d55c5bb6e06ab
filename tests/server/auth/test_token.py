"""The token's file: made once, private, shared by all first starts, refused when open."""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from nitropilot.server.auth.token import TOKEN_BYTES, load_or_create_token, matches
from nitropilot.server.errors import TokenFileError
from tests.server.processes import ROOT, command, environment

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, not modes")


def names(folder: Path) -> list[str]:
    """What is in a folder."""
    return [path.name for path in folder.iterdir()]


def test_first_start_makes_it_and_the_next_reads_it(tmp_path: Path) -> None:
    """A new token at each start would log every client out."""
    path = tmp_path / "config" / "token"
    token = load_or_create_token(path)
    assert len(token) >= TOKEN_BYTES
    assert load_or_create_token(path) == token
    assert load_or_create_token(tmp_path / "other" / "token") != token
    assert names(path.parent) == ["token"]


@posix
def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    """A wide umask must not open the file, not even for a moment."""
    path = tmp_path / "config" / "token"
    old = os.umask(0)
    try:
        load_or_create_token(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o602, 0o660])
def test_an_open_file_is_refused_with_the_fix(tmp_path: Path, mode: int) -> None:
    """A token that others could read is no secret: say so instead of using it."""
    path = tmp_path / "token"
    load_or_create_token(path)
    path.chmod(mode)
    with pytest.raises(TokenFileError, match=f"mode {mode:o}") as caught:
        load_or_create_token(path)
    assert f"chmod 600 {path}" in caught.value.hint
    path.chmod(0o600)
    load_or_create_token(path)


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to chown")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    """Whoever put it there knows it."""
    path = tmp_path / "token"
    load_or_create_token(path)
    os.chown(path, 65534, 65534)
    with pytest.raises(TokenFileError, match="another user"):
        load_or_create_token(path)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short", b"\xff" * 40, b"a" * 20 + b"\n" + b"b" * 20]
)
def test_a_file_without_a_token_is_an_error(tmp_path: Path, content: bytes) -> None:
    """An empty token would let everybody in."""
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(TokenFileError, match="no token") as caught:
        load_or_create_token(path)
    assert "delete the file" in caught.value.hint


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    """A file where the folder should be must end in one line."""
    (tmp_path / "config").write_text("in the way")
    done = command("token", home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "config" / "token") in done.stderr


@posix
def test_a_folder_that_cannot_be_written_is_an_error() -> None:
    """As after a start with sudo: the folder belongs to root, the user does not."""
    with tempfile.TemporaryDirectory(prefix="nitropilot-test-") as name:
        folder = Path(name)
        folder.chmod(0o555)
        user = os.geteuid()
        if user == 0:  # modes mean nothing to root
            os.seteuid(65534)
        try:
            with pytest.raises(TokenFileError, match="Permission denied") as caught:
                load_or_create_token(folder / "token")
        finally:
            os.seteuid(user)
        assert str(folder / "token") in str(caught.value)
        assert "NITROPILOT_CONFIG" in caught.value.hint
        assert list(folder.iterdir()) == []


def test_first_starts_at_once_end_with_one_token(tmp_path: Path) -> None:
    """The later of two renames would leave the earlier daemon with a token nobody finds."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "nitropilot", "token"], cwd=ROOT, text=True,
            env=environment(tmp_path, None), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    printed = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert printed == {(tmp_path / "config" / "token").read_text().strip()}
    assert names(tmp_path / "config") == ["token"]


def test_a_start_that_was_overtaken_reads_the_other_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, with the other start in the worst moment: when this one makes up its token."""
    path = tmp_path / "token"
    real = secrets.token_urlsafe
    others: list[str] = []

    def late(size: int) -> str:
        monkeypatch.setattr(secrets, "token_urlsafe", real)
        others.append(load_or_create_token(path))
        return real(size)

    monkeypatch.setattr(secrets, "token_urlsafe", late)
    assert [load_or_create_token(path)] == others == [path.read_text().strip()]
    assert names(tmp_path) == ["token"]


@pytest.mark.parametrize(
    ("given", "same"),
    [("abc", True), ("abd", False), ("", False), ("abcd", False), ("\xff", False)],
)
def test_matching(given: str, same: bool) -> None:
    """Any text of a header must be comparable, a prefix must not do."""
    assert matches(given, "abc") is same
