"""The cache of compiled policies: complete or absent, ours alone, and checked."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from nitropilot.engines import cache
from nitropilot.engines.cache import CacheDamaged, cache_folder, find, key_of, new_entry
from nitropilot.engines.fingerprint import code_version, fingerprint_of
from nitropilot.policy import CheckpointError, PolicyError, fingerprint
from tests.policy.samples import fixture_path

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX's")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache for one test."""
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are, with what stands in for a cache."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"nitropilot-{os.geteuid()}"


def put(key: str, content: bytes = b"weights") -> Path:
    """Make an entry."""
    with new_entry("some", key) as (working, about):
        (working / "a.blob").write_bytes(content)
        about["note"] = 7
    return cache_folder("engines", "some") / key


def test_an_entry_comes_back() -> None:
    """With what was noted, and the file as it was."""
    assert find("some", "k") is None
    put("k")
    entry = find("some", "k")
    assert entry is not None
    assert entry.about["note"] == 7
    assert entry.checked("a.blob").read_bytes() == b"weights"


def test_a_failed_build_leaves_nothing(folder: Path) -> None:
    """Complete or absent (invariant 6)."""
    with pytest.raises(ZeroDivisionError), new_entry("some", "k") as (working, _):
        (working / "a.blob").write_bytes(b"half")
        raise ZeroDivisionError
    assert find("some", "k") is None
    assert list((folder / "engines" / "some").iterdir()) == []


def test_changed_and_missing_files() -> None:
    """What was not written by us is not given to a library."""
    path = put("k")
    entry = find("some", "k")
    assert entry is not None
    with pytest.raises(CacheDamaged):
        entry.checked("b.blob")
    (path / "a.blob").write_bytes(b"weighty")
    with pytest.raises(CacheDamaged, match="has changed"):
        entry.checked("a.blob")
    (path / "a.blob").unlink()
    with pytest.raises(CacheDamaged):
        entry.checked("a.blob")
    (path / "about.json").write_text("[1, 2]")
    assert find("some", "k") is None
    assert not path.exists()


def test_the_newest_wins_and_two_builders_agree() -> None:
    """Two sessions that start together may build the same policy."""
    put("k", b"one")
    put("k", b"two")
    entry = find("some", "k")
    assert entry is not None
    assert entry.checked("a.blob").read_bytes() == b"two"
    with new_entry("some", "k") as (working, _):
        (working / "a.blob").write_bytes(b"slow")
        put("k", b"quick")
    assert find("some", "k") is not None


def test_what_was_not_used_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiled policies are gigabytes; a killed build's folder goes as well."""
    old = time.time() - 10_000
    for age, key in enumerate(("c", "b", "a")):
        os.utime(put(key), (old - age, old - age))
    monkeypatch.setattr(cache, "KEPT", 2)
    left = cache_folder("engines", "some") / ".building-x"
    left.mkdir()
    os.utime(left, (old, old))
    assert find("some", "b") is not None  # which counts as a use
    put("new")
    names = {path.name for path in cache_folder("engines", "some").iterdir()}
    assert names == {"b", "new"}


@posix
def test_only_the_user_can_get_in(folder: Path) -> None:
    """Also when a careless umask or hand opened it."""
    path = put("k")
    assert path.stat().st_mode & 0o777 == 0o700
    assert (path / "a.blob").stat().st_mode & 0o777 == 0o600
    folder.chmod(0o777)
    cache_folder("engines")
    assert folder.stat().st_mode & 0o022 == 0


@posix
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give away")
def test_a_folder_of_somebody_else(folder: Path, temporary: Path) -> None:
    """Another user's compiled policy would be their code with our rights."""
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    assert temporary in cache_folder("engines").parents


def test_a_cache_that_cannot_be(folder: Path, temporary: Path) -> None:
    """A file in the way, a full disk: what is kept for speed costs no play."""
    folder.write_text("a file")
    assert temporary in cache_folder("engines").parents


def test_keys() -> None:
    """Any other fact is another key; their order is not a fact."""
    one = key_of({"a": 1, "b": [2]})
    assert one == key_of({"b": [2], "a": 1})
    assert one != key_of({"a": 1, "b": [3]})
    assert len(one) == 32


def test_fingerprints_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing gigabytes at every start costs seconds; a changed file is hashed again."""
    path = tmp_path / "p.pt"
    path.write_bytes(fixture_path("single_frame").read_bytes())
    first = fingerprint_of(str(path))
    assert first == fingerprint(str(path))
    monkeypatch.setattr(
        "nitropilot.engines.fingerprint.fingerprint", lambda text: pytest.fail("hashed")
    )
    assert fingerprint_of(str(path)) == first
    monkeypatch.undo()
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path / "cache"))
    path.write_bytes(fixture_path("horizon18_steps4").read_bytes())
    assert fingerprint_of(str(path)) == fingerprint(str(path)) != first
    (tmp_path / "cache" / "engines" / "fingerprints.json").write_text("{broken")
    assert fingerprint_of(str(path)) == fingerprint(str(path))


def test_fingerprints_of_nothing() -> None:
    """The policy's own errors pass through."""
    with pytest.raises(CheckpointError):
        fingerprint_of("no-such-file.pt")
    with pytest.raises(PolicyError):
        fingerprint_of("random:huge")


def test_random_fingerprints_need_no_torch() -> None:
    """They are the recipe's."""
    script = (
        "import sys\nfrom nitropilot.engines.fingerprint import fingerprint_of\n"
        "print(fingerprint_of('random:tiny:3'), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == [fingerprint("random:tiny:3"), "False"], done.stderr


def test_code_versions() -> None:
    """A changed graph must not meet compiled policies of the old one."""
    assert code_version("nitropilot.policy.network.graph") != code_version(
        "nitropilot.policy.network.graph", "nitropilot.policy.network.graph_layers"
    )
    with pytest.raises(ModuleNotFoundError):
        code_version("policy.no_such_module")
