"""``import nitropilot``: what a developer's script begins with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nitropilot
from nitropilot.children import import_path
from tests.support.places import ROOT

HEAVY = {"torch", "numpy", "cv2", "psutil", "pydantic", "asyncio", "nitropilot.agent"}


@pytest.mark.parametrize("name", nitropilot.__all__)
def test_what_it_offers_is_there(name: str) -> None:
    """A late name that leads nowhere fails only in a user's hands."""
    assert getattr(nitropilot, name) is not None
    assert name in dir(nitropilot)


def test_what_it_has_not_is_said_as_python_does() -> None:
    """``hasattr`` and ``from nitropilot import x`` rely on the error's kind."""
    assert not hasattr(nitropilot, "no_such_thing")
    with pytest.raises(ImportError, match="no_such_thing"):
        exec("from nitropilot import no_such_thing")


def test_it_loads_nothing_heavy() -> None:
    """A script that asks for the version must not wait for torch."""
    code = f"import sys, nitropilot; print(*{HEAVY!r} & sys.modules.keys())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python that finds this NitroPilot, started in a folder."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=variables, capture_output=True, text=True
    )


def test_other_programs_keep_their_folder(tmp_path: Path) -> None:
    """Somebody's own package is run with ``-m`` too, and imports what lies beside it."""
    (tmp_path / "mybot").mkdir()
    (tmp_path / "helper.py").write_text("word = 'found'")
    (tmp_path / "mybot" / "__init__.py").write_text("from nitropilot import NitroPilotError")
    (tmp_path / "mybot" / "__main__.py").write_text("import helper; print(helper.word)")
    for way in (("-m", "mybot"), ("-mmybot", "-m")):
        assert run(tmp_path, *way).stdout == "found\n"


@pytest.mark.parametrize("way", [("-m", "nitropilot"), ("-mnitropilot",)], ids=" ".join)
def test_nothing_of_the_folder_is_imported(tmp_path: Path, way: tuple[str, ...]) -> None:
    """A player's own ``typing.py`` must not end the command that he starts beside it."""
    for name in ("typing", "agent", "torch", "typer", "logging"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    done = run(tmp_path, *way, "--version")
    assert (done.stdout.strip(), done.stderr) == (nitropilot.__version__, "")


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    """Libraries that look for it end the process with a message about themselves."""
    code = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.executable, sys.argv[1:])"
    gone = tmp_path / "gone"
    gone.mkdir()
    done = run(gone, "-c", code, sys.executable, "-m", "nitropilot", "doctor")
    assert done.returncode == 2
    assert "the current folder does not exist" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_children_run_the_same_nitropilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout beside an installed one: a hand of another version speaks another protocol."""
    monkeypatch.setattr(sys, "path", ["/somewhere/site-packages", Path("/no/text")])
    monkeypatch.setenv("PYTHONPATH", "relative")
    places = import_path().split(os.pathsep)
    assert places[0] == str(ROOT)
    assert places[1:] == [str(Path("relative").absolute()), "/somewhere/site-packages"]
