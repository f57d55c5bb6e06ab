"""Whatever happens to the bytes of a file, it loads sound or it is refused."""

from __future__ import annotations

import functools
import io
import itertools
import tempfile
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nitropilot.policy import CheckpointError, describe, load_policy
from tests.policy.checkpoints import header_of, micro_weights, write_pt, write_safetensors

bounded = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# pickletools warns of the strange escapes that a flipped byte makes; users never see that.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")

WEIGHTS = micro_weights()
numbers = itertools.count()
flips = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6)
"""Where, as a part of the length, and the new byte."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where spoilt files go."""
    return tmp_path_factory.mktemp("fuzz")


@functools.cache
def sound(kind: str) -> bytes:
    """A sound file; not a fixture, because hypothesis prints those in full when a test fails."""
    write = write_pt if kind == "pt" else write_safetensors
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / f"sound.{kind}", WEIGHTS).read_bytes()


def fresh(folder: Path, kind: str) -> Path:
    """A new name each time: on Windows a file that is still mapped cannot be written again."""
    return folder / f"{next(numbers)}.{kind}"


def check(path: Path, data: bytes) -> None:
    """Load ``data``: sound weights, or the one error."""
    path.write_bytes(data)
    try:
        policy = load_policy(path)
    except CheckpointError as error:
        assert path.name in str(error)
        assert len(error.line()) < 2000
        assert error.line().isprintable()
        return
    for key, tensor in policy.state_dict().items():
        assert tensor.shape == WEIGHTS[key].shape
        assert torch.isfinite(tensor).all()
    describe(path)


def flipped(data: bytes, start: int, stop: int, where: list[tuple[float, int]]) -> bytes:
    """``data`` with some bytes between ``start`` and ``stop`` replaced."""
    result = bytearray(data)
    for part, value in where:
        result[start + int(part * (stop - start - 1))] = value
    return bytes(result)


@bounded
@given(where=flips)
def test_flipped_bytes_of_a_pt(folder: Path, where: list[tuple[float, int]]) -> None:
    """Anywhere: weights, names, headers."""
    check(fresh(folder, "pt"), flipped(sound("pt"), 0, len(sound("pt")), where))


@bounded
@given(where=flips)
def test_flipped_bytes_of_a_zip_directory(folder: Path, where: list[tuple[float, int]]) -> None:
    """Where everything is, how long it is and how it is packed."""
    start = sound("pt").index(b"PK\x01\x02")
    check(fresh(folder, "pt"), flipped(sound("pt"), start, len(sound("pt")), where))


@bounded
@given(where=flips)
def test_flipped_bytes_of_a_pickle(folder: Path, where: list[tuple[float, int]]) -> None:
    """With its checksum put right, as someone who means harm would."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(sound("pt"))) as source,
        zipfile.ZipFile(target, "w") as archive,
    ):
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename.endswith(".pkl"):
                data = flipped(data, 0, len(data), where)
            archive.writestr(entry, data)
    check(fresh(folder, "pt"), target.getvalue())


@bounded
@given(where=flips)
def test_flipped_bytes_of_a_safetensors(folder: Path, where: list[tuple[float, int]]) -> None:
    """It has no checksums: most flips of the numbers go unseen, and all must end well."""
    data = flipped(sound("safetensors"), 0, len(sound("safetensors")), where)
    check(fresh(folder, "safetensors"), data)


@bounded
@given(where=flips)
def test_flipped_bytes_of_a_safetensors_header(
    folder: Path, where: list[tuple[float, int]]
) -> None:
    """Names, shapes, places and the configuration."""
    stop = 8 + header_of(sound("safetensors"))[0]
    check(fresh(folder, "safetensors"), flipped(sound("safetensors"), 0, stop, where))


@settings(bounded, max_examples=60)
@given(part=st.floats(0, 1, exclude_max=True), kind=st.sampled_from(["pt", "safetensors"]))
def test_files_cut_off_are_refused(folder: Path, part: float, kind: str) -> None:
    """A download that stopped anywhere."""
    data = sound(kind)
    path = fresh(folder, kind)
    path.write_bytes(data[: int(part * len(data))])
    with pytest.raises(CheckpointError, match=path.name):
        load_policy(path)
