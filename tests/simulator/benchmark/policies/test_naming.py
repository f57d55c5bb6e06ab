"""Which kind of policy a text names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nitropilot.policy.errors import PolicyError
from nitropilot.simulator.benchmark.policies.errors import UnknownPolicy
from nitropilot.simulator.benchmark.policies.naming import parse_entry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "kind", "place", "function"),
    [
        ("idle", "idle", "", ""),
        ("random", "random", "", ""),
        ("expert", "expert", "", ""),
        ("pocket", "checkpoint", "pocket", ""),
        ("random:tiny", "checkpoint", "random:tiny", ""),
        ("random:tiny:7", "checkpoint", "random:tiny:7", ""),
        ("ws://box:8000", "server", "ws://box:8000", ""),
        ("wss://box/policy?key=1", "server", "wss://box/policy?key=1", ""),
        ("mypackage.players:act", "callable", "mypackage.players", "act"),
        ("players:act", "callable", "players", "act"),
    ],
)
def test_what_a_text_names(text: str, kind: str, place: str, function: str) -> None:
    """A name that is taken for a file, or a file for a module, plays somebody else."""
    entry = parse_entry(text)
    assert (entry.name, entry.kind, entry.place, entry.function) == (text, kind, place, function)
    assert entry.built_in == (kind in ("idle", "random", "expert"))


def test_files_are_named_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy's process may stand in another folder."""
    (tmp_path / "mine.py").write_text("def act(picture, info): ...\n")
    (tmp_path / "ng.pt").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    entry = parse_entry("mine.py:act")
    assert (entry.place, entry.function) == (str(tmp_path / "mine.py"), "act")
    assert parse_entry("ng.pt").place == str(tmp_path / "ng.pt")
    assert parse_entry("ng.pt").kind == "checkpoint"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exper", "did you mean expert?"),
        ("Idle", "did you mean idle?"),
        ("random:tin", "sizes are full and tiny"),
        ("", "policies are pocket, idle"),
        ("nothing/like/this.pt", "policies are pocket, idle"),
        ("mine.py", "write mine.py:function"),
        ("nothing.py:act", "there is no file"),
        ("mine.py:", "write FILE.py:function"),
        ("mine.py:1st", "write FILE.py:function"),
    ],
)
def test_what_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    """A typing error must be said before anything is loaded, with what was meant."""
    (tmp_path / "mine.py").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UnknownPolicy, PolicyError)) as error:
        parse_entry(text)
    assert said in error.value.line()  # type: ignore[attr-defined]


def test_a_file_that_is_called_as_what_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name wins, and the file's place names the file: in the policy's own process too."""
    (tmp_path / "pocket").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    assert parse_entry("pocket").place == "pocket"
    assert parse_entry("./pocket").place == str(tmp_path / "pocket")
