"""``nitropilot benchmark install``: what it would run, and that it asks first."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from nitropilot.errors import NitroPilotError
from nitropilot.server.cli.benchmark.group import benchmark
from nitropilot.simulator.benchmark.runner import installing
from nitropilot.simulator.benchmark.runner.errors import CannotInstall
from nitropilot.simulator.games import known, versions
from nitropilot.simulator.games.known import KNOWN_GAMES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="apt-get is Debian's")
SCRIPT = """#!/bin/sh
echo "apt-get $*" >> "$APT_LOG"
[ -z "$APT_FAILS" ] || exit 100
printf '#!/bin/sh\\necho supertux2 v%s\\n' "${VERSION:-0.6.3}" > "$APT_BIN/supertux2"
chmod +x "$APT_BIN/supertux2"
"""


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the game, and an apt-get that writes down what it is told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "apt-get").write_text(SCRIPT)
    (folder / "apt-get").chmod(0o755)
    for name, value in (("PATH", f"{folder}:/bin"), ("APT_LOG", str(tmp_path / "log")),
                        ("APT_BIN", str(folder))):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(known, "GAMES_FOLDER", "")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    versions._said.cache_clear()
    return tmp_path / "log"


def asked(*words: str, typed: str = "") -> tuple[int, str, str]:
    """``nitropilot benchmark install WORDS``: its status, and what it says."""
    done = CliRunner().invoke(benchmark, ["install", *words], input=typed)
    if isinstance(done.exception, NitroPilotError):
        return 2, done.stdout, done.exception.line()
    return done.exit_code, done.stdout, done.stderr


def test_it_installs_what_is_missing(apt: Path) -> None:
    """With a yes, once; then there is nothing left to do."""
    status, out, _ = asked("--yes")
    assert status == 0
    assert "missing: SuperTux" in out
    assert "all games of free10 are there: SuperTux" in out
    assert apt.read_text() == "apt-get install --yes supertux\n"
    status, out, _ = asked()
    assert (status, "missing" in out) == (0, False)
    assert len(apt.read_text().splitlines()) == 1


def test_without_a_terminal_nobody_is_asked(apt: Path) -> None:
    """A script that never thought of it must not find packages installed."""
    status, out, err = asked()
    assert status == 2
    assert "apt-get install --yes supertux" in out, "what would be run is said"
    assert "nobody is there to be asked; say --yes" in err
    assert not apt.exists()


@pytest.mark.parametrize("answer", ["n", ""])
def test_who_says_no_gets_nothing(apt: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is no yes."""
    monkeypatch.setattr("nitropilot.server.cli.benchmark.install.at_a_terminal", lambda: True)
    status, _, err = asked(typed=f"{answer}\n")
    assert status == 1
    assert "nothing was installed" in err
    assert not apt.exists()


def test_an_apt_that_fails(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is still missing is named."""
    monkeypatch.setenv("APT_FAILS", "1")
    status, _, err = asked("--yes")
    assert status == 2
    assert "SuperTux is still missing: apt-get ended with status 100" in err


def test_a_version_that_nobody_has_tried(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there, and cannot be played: said at once, and not by the first run."""
    monkeypatch.setenv("VERSION", "0.7.0")
    status, _, err = asked("--yes")
    assert status == 1
    assert "SuperTux 0.7.0 is installed, and its tasks were tried with 0.6.3" in err


def test_where_it_cannot_be_done(apt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages are named for whoever installs them by hand."""
    games: Any = [KNOWN_GAMES["supertux"]]
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(apt.parent / "bin"))
    with pytest.raises(CannotInstall, match="no sudo") as error:
        installing.command(games)
    assert error.value.hint == "install supertux yourself"
    (apt.parent / "bin" / "sudo").symlink_to(apt.parent / "bin" / "apt-get")
    assert installing.command(games)[0].endswith("sudo")
    (apt.parent / "bin" / "apt-get").unlink()
    with pytest.raises(CannotInstall, match="there is none here"):
        installing.command(games)


def test_the_arcade_needs_nothing(apt: Path) -> None:
    """It comes with us."""
    assert installing.games_of("arcade") == []
    assert not apt.exists()
