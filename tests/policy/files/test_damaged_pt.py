"""Every way a ``.pt`` can be wrong ends in one line that names the file and the fault."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from nitropilot.policy import CheckpointError, load_policy
from tests.policy.checkpoints import MICRO, write_pt, write_safetensors, write_zip

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Weights = dict[str, Tensor]

PROJECTION = "action_encoder.W1.W"
"""Some weight, 1 x 25 x 16."""


def refusal(path: Path, named: str = "") -> str:
    """The one line that loading ``path`` fails with; it names the file at fault."""
    with pytest.raises(CheckpointError) as caught:
        load_policy(path)
    line = caught.value.line().replace(str(path.parent), "")  # pytest names folders after tests
    assert (named or path.name) in line
    assert "\n" not in line
    assert len(line) < 700
    return line


def test_a_sound_file_loads(pt: Path) -> None:
    """All cases below spoil this file; if it were refused itself, they would prove nothing."""
    assert load_policy(pt).steps == 3


# Not a checkpoint at all

NOT_TENSORS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty file"),
    "page": (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "page without doctype": (b"<html><head></head></html>" + b" " * 99, "web page"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "Git LFS"),
    "pickle": (pickle.dumps({"model": {}, "ckpt_config": {}}), "bare pickle"),
    "noise": (bytes(range(1, 200)), "unknown data"),
    "one byte": (b"P", "unknown data"),
    "zip of nothing": (b"PK\x05\x06" + b"\0" * 18, "unknown data"),
    "zip header only": (b"PK\x03\x04" + b"\0" * 26, "damaged or cut off"),
}


@pytest.mark.parametrize("case", NOT_TENSORS)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, case: str) -> None:
    """A failed download is the usual fault; a traceback does not tell the user that."""
    data, words = NOT_TENSORS[case]
    path = tmp_path / "ng.pt"
    path.write_bytes(data)
    assert words in refusal(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder / "missing.pt", "there is no file"),
        (lambda folder: folder, "holds no model.safetensors"),
        (lambda folder: folder / ("x" * 5000), "too long"),
    ],
    ids=["missing", "folder", "name too long"],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    """A wrong path must read as one, whatever the system calls it."""
    with pytest.raises(CheckpointError) as caught:
        load_policy(make(tmp_path))
    assert words in caught.value.line()


def test_a_file_under_a_file_is_not_there(pt: Path) -> None:
    """The system has its own error for this path; it must not escape."""
    assert "there is no file" in refusal(pt / "ng.pt")


def test_names_and_contents_agree(tmp_path: Path, weights: Weights) -> None:
    """A file renamed by hand loads nowhere else, and may be an attempt to get past a filter."""
    sound = write_pt(tmp_path / "a.pt", weights)
    assert "holds pt data" in refusal(sound.rename(tmp_path / "a.safetensors"))
    sound = write_safetensors(tmp_path / "b.safetensors", weights)
    assert "holds safetensors data" in refusal(sound.rename(tmp_path / "b.pt"))


# Damaged zips


@pytest.mark.parametrize("percent", [10, 50, 99])
def test_a_download_that_stopped_is_named(pt: Path, percent: int) -> None:
    """The zip directory is at the end: what is there looks sound until it is missing."""
    data = pt.read_bytes()
    pt.write_bytes(data[: len(data) * percent // 100])
    assert "damaged or cut off" in refusal(pt)


def test_a_flipped_weight_fails_its_checksum(pt: Path, weights: Weights) -> None:
    """One flipped exponent bit gives a policy that loads and plays nonsense."""
    data = pt.read_bytes()
    place = data.index(weights[PROJECTION].numpy().tobytes())
    pt.write_bytes(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :])
    assert "checksum" in refusal(pt)


def test_a_damaged_directory_is_named(pt: Path) -> None:
    """The directory says where everything is; a wrong one must not be followed."""
    data = bytearray(pt.read_bytes())
    place = data.rindex(b"PK\x01\x02")
    data[place : place + 4] = b"XXXX"
    pt.write_bytes(data)
    assert "damaged or cut off" in refusal(pt)


SMALL = pickle.dumps({"model": {}, "ckpt_config": {}}, protocol=2)
ZIPS: dict[str, tuple[dict[str, bytes], str]] = {
    "documents": ({"word/document.xml": b"<xml/>"}, "0 pickles"),
    "TorchScript": ({"data.pkl": SMALL, "constants.pkl": SMALL}, "2 pickles"),
    "second pickle in capitals": ({"data.pkl": SMALL, "DATA.PKL": SMALL}, "2 pickles"),
    "no version": ({"data.pkl": SMALL}, "cannot be loaded safely"),
    "pickle cut off": ({"data.pkl": SMALL[:9], "version": b"3\n"}, "damaged or cut off"),
    "empty pickle": ({"data.pkl": b"", "version": b"3\n"}, "damaged or cut off"),
    "pickle of 5 MiB": ({"data.pkl": b"N" * (5 * 2**20), "version": b"3\n"}, "at most"),
}


@pytest.mark.parametrize("case", ZIPS)
def test_a_zip_that_torch_did_not_make_is_named(tmp_path: Path, case: str) -> None:
    """Office files and TorchScript are zips too."""
    records, words = ZIPS[case]
    assert words in refusal(write_zip(tmp_path / "ng.pt", records))


def test_compressed_parts_are_refused(tmp_path: Path) -> None:
    """A kilobyte of zip can hold a gigabyte of zeros."""
    records = {"data.pkl": SMALL, "version": b"3\n", "data/0": b"\0" * 2**20}
    assert "compressed" in refusal(write_zip(tmp_path / "ng.pt", records, compress=True))


@pytest.mark.parametrize("attributes", [0x10, 0x31])
def test_parts_marked_as_folders_are_refused(pt: Path, attributes: int) -> None:
    """Torch's reader fills nothing for them, and unpickles what the memory held before."""
    data = bytearray(pt.read_bytes())
    data[data.index(b"PK\x01\x02") + 38] = attributes
    pt.write_bytes(data)
    assert "folders" in refusal(pt)


def test_a_part_without_a_name_is_refused(pt: Path) -> None:
    """Python ends a name at its first zero byte, and nothing is left of this one."""
    data = bytearray(pt.read_bytes())
    data[data.index(b"PK\x01\x02") + 46] = 0
    pt.write_bytes(data)
    assert "damaged" in refusal(pt)


# Sound zips of something else


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "holds 'list'"),
        (torch.zeros(3), "holds 'Tensor'"),
        ({"state_dict": {}, "epoch": 3}, "['state_dict', 'epoch'] instead of 'model'"),
        ({"model": {}}, "'ckpt_config'"),
        ({"model": [1], "ckpt_config": {}}, "not a dict of tensors"),
        ({"model": {"a": 1.5}, "ckpt_config": {}}, "not a dict of tensors"),
        ({"model": {}, "ckpt_config": None}, "ckpt_config"),
        ({"model": {}, "ckpt_config": [MICRO]}, "ckpt_config"),
        ({"model": {}, "ckpt_config": MICRO}, "no vision encoder"),
        ({"model": {}, "ckpt_config": {"model_cfg": torch.zeros(2)}}, "not plain data"),
    ],
)
def test_other_contents_are_named(tmp_path: Path, content: object, words: str) -> None:
    """Any model file can be picked by mistake."""
    path = tmp_path / "other.pt"
    torch.save(content, path)
    assert words in refusal(path)


def expanded(shape: tuple[int, ...]) -> Tensor:
    """One number that claims to be many."""
    return torch.zeros(1).expand(shape)


TENSORS: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "whole numbers": (lambda w: w.to(torch.int32), "int32"),
    "booleans": (lambda w: w > 0, "bool"),
    "complex": (lambda w: w.to(torch.complex64), "cannot be loaded safely"),
    "not a number": (lambda w: torch.full_like(w, torch.nan), "not finite"),
    "one infinity": (lambda w: w.clone().index_fill_(1, torch.tensor([3]), -torch.inf), "finite"),
    "too large for float32": (lambda w: w.double() * 1e300, "not finite"),
    "sparse": (lambda w: w.to_sparse(), "_rebuild_sparse_tensor"),
    "quantised": (lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8), "_rebuild_qtensor"),
    "on no device": (lambda w: w.to("meta"), "cannot be loaded safely"),
    "expanded": (lambda w: expanded(tuple(w.shape)), "claims more numbers"),
    "expanded beyond memory": (lambda _: expanded((2**20, 2**20)), "claims more numbers"),
    "transposed shape": (lambda w: w.transpose(1, 2).contiguous(), "is (1, 16, 25) instead of"),
    "no dimensions": (lambda _: torch.tensor(1.0), "is () instead of (1, 25, 16)"),
    "empty": (lambda w: w[:, :0], "is (1, 0, 16) instead of (1, 25, 16)"),
}


@pytest.mark.parametrize("case", TENSORS)
@pytest.mark.filterwarnings("ignore:.*beta state", "ignore:.*quantiz")
def test_tensors_that_are_not_plain_numbers_are_named(
    tmp_path: Path, weights: Weights, case: str
) -> None:
    """One odd weight must neither play nor take the memory it claims."""
    spoil, words = TENSORS[case]
    path = write_pt(tmp_path / "ng.pt", {**weights, PROJECTION: spoil(weights[PROJECTION])})
    line = refusal(path)
    assert words in line
    assert PROJECTION in line or "it asks for" in line or words == "cannot be loaded safely"


def test_weights_that_share_their_bytes_are_refused(tmp_path: Path, weights: Weights) -> None:
    """Each weight fits into the file, and all of them together would not."""
    most = max(weight.numel() for weight in weights.values())
    stock = torch.rand(most)
    shared = {key: stock[: w.numel()].view(w.shape) for key, w in weights.items()}
    assert "bytes of tensors in a file of" in refusal(write_pt(tmp_path / "ng.pt", shared))


KEYS: dict[str, tuple[Callable[[Weights], Weights], str]] = {
    "missing": (lambda w: {k: v for k, v in w.items() if k != PROJECTION}, "W1.W is missing"),
    "unknown": (lambda w: {**w, "lora.weight": torch.zeros(2)}, "'lora.weight' is unknown"),
    "wrong shape": (
        lambda w: {**w, "position_embedding.weight": torch.zeros(9, 16)},
        "position_embedding.weight is (9, 16) instead of (8, 16)",
    ),
    "five unknown": (lambda w: w | {f"x{i}": torch.zeros(1) for i in range(5)}, "and 2 more"),
    "escape codes": (lambda w: {**w, "\x1b[2J\n": torch.zeros(1)}, r"\x1b[2J\n"),
    "no encoder": (
        lambda w: {k: v for k, v in w.items() if "vision" not in k},
        "no vision encoder",
    ),
    "a gap": (
        lambda w: {k.replace("layers.1.", "layers.7."): v for k, v in w.items()},
        "gaps or absurd sizes",
    ),
    "an encoder of no width": (
        lambda w: {k: v[:0] if ".fc1." in k else v for k, v in w.items()},
        "gaps or absurd sizes",
    ),
    "games without dimensions": (
        lambda w: {**w, "game_embedding.weight": torch.tensor(1.0)},
        "game_embedding.weight",
    ),
    "fewer games than named": (
        lambda w: {**w, "game_embedding.weight": torch.zeros(1, 16)},
        "1 rows of games, and 'pong' is row 1",
    ),
    "named games without rows": (
        lambda w: {k: v for k, v in w.items() if "game" not in k},
        "game_embedding.weight",
    ),
}


@pytest.mark.parametrize("case", KEYS)
def test_keys_and_shapes_that_do_not_fit_are_named(
    tmp_path: Path, weights: Weights, case: str
) -> None:
    """A checkpoint of another version must be told apart from a damaged one."""
    spoil, words = KEYS[case]
    line = refusal(write_pt(tmp_path / "ng.pt", spoil(weights)))
    assert words in line
    assert line.isprintable()
