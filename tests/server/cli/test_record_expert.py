"""``nitropilot record --expert``: a script's play as recordings, and training that takes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nitropilot.training.formats.finding import find_takes
from tests.server.cli.test_bad_input import error_of
from tests.server.processes import command

if TYPE_CHECKING:
    from pathlib import Path


def test_it_says_where_the_recordings_are(tmp_path: Path) -> None:
    """They are where a person's would be, and training finds them by the same name."""
    out = tmp_path / "demo"
    done = command(
        "record", "--expert", "arena-1", "--minutes", "0.02", "--out", str(out), "--json",
        home=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["folder"] == str(out / "recordings")
    assert [path.name for path in find_takes([out])] == said["recordings"]
    assert said["minutes"] > 0.02


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--expert", "supertux"), "no script plays 'supertux'"),
        (("--expert", "runner", "--minutes", "0"), "0 minutes"),
        (("--expert", "runner", "--launch", "runner"), "--launch is not for --expert"),
        (("--expert", "runner", "--action-hz", "30"), "--action-hz is not for --expert"),
        (("--expert", "runner", "--seconds", "3"), "--seconds is not for --expert"),
        (("--launch", "runner", "--seed", "4"), "--seed is for --expert alone"),
        (("--expert", "runner", "--noise", "2"), "share of 2"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], word: str, tmp_path: Path) -> None:
    """One line each."""
    done = command("record", *arguments, "--out", str(tmp_path / "out"), home=tmp_path)
    assert word in error_of(done, tmp_path)
