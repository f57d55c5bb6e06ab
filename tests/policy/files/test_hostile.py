"""Files made to harm: nothing in them runs, and none takes what it claims."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from nitropilot.policy import CheckpointError, describe, load_policy
from nitropilot.policy.files.pickled import foreign_name, plain
from tests.policy.checkpoints import MICRO, changed, write_pt, write_safetensors, write_zip
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Weights = dict[str, Tensor]


class Touch:
    """Its pickle creates a file when it is read without care."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.marker,)


def whole_zip(path: Path, evil: Touch) -> Path:
    return write_zip(path, {"data.pkl": pickle.dumps(evil, protocol=2), "version": b"3\n"})


def in_a_setting(path: Path, evil: Touch) -> Path:
    torch.save({"model": {}, "ckpt_config": {"dropout": evil}}, path)
    return path


def bare(path: Path, evil: Touch) -> Path:
    path.write_bytes(pickle.dumps(evil, protocol=2))
    return path


def oldest(path: Path, evil: Touch) -> Path:
    path.write_bytes(pickle.dumps(evil, protocol=0))
    return path


def old_torch(path: Path, evil: Touch) -> Path:
    torch.save({"model": evil}, path, _use_new_zipfile_serialization=False)
    return path


@pytest.mark.parametrize("read", [load_policy, describe])
@pytest.mark.parametrize("write", [whole_zip, in_a_setting, bare, oldest, old_torch])
def test_no_code_of_a_file_runs(
    tmp_path: Path, write: Callable[[Path, Touch], Path], read: Callable[[Path], object]
) -> None:
    """A checkpoint from the internet is a program for whoever unpickles it."""
    marker = tmp_path / "owned"
    path = write(tmp_path / "ng.pt", Touch(marker))
    with pytest.raises(CheckpointError) as caught:
        read(path)
    assert not marker.exists()
    assert "ng.pt" in caught.value.line()


@pytest.mark.parametrize("protocol", [0, 2])
def test_the_bait_would_run(tmp_path: Path, protocol: int) -> None:
    """Without this, the test above passes on a pickle that does nothing."""
    marker = tmp_path / "owned"
    pickle.loads(pickle.dumps(Touch(marker), protocol=protocol))
    assert marker.exists()


# Names

LONG = {"data.pkl": b"\x80\x02F" + b"9" * 5000 + b"x\n.", "version": b"3\n"}


def test_a_fault_is_told_shortly(tmp_path: Path) -> None:
    """The error that a pickle's nonsense raises may quote all of it."""
    with pytest.raises(CheckpointError) as caught:
        load_policy(write_zip(tmp_path / "ng.pt", LONG))
    assert len(caught.value.line()) < 500


NAMES: dict[str, tuple[object, int, str | None]] = {
    "plain": ({"a": [1, 2.5, None, True, "x"]}, 2, None),
    "function": (print, 2, "__builtin__.print"),
    "newer pickle": (print, 4, "STACK_GLOBAL"),
    "bytes": (bytearray(3), 2, "__builtin__.bytearray"),
    "set": ({1}, 2, "__builtin__.set"),
    "type": (torch.float32, 2, "torch.float32"),
}


@pytest.mark.parametrize("case", NAMES)
def test_names_are_read_from_the_opcodes(case: str) -> None:
    """What torch allows is more than a checkpoint needs: byte arrays of any size, say."""
    value, protocol, name = NAMES[case]
    assert foreign_name(pickle.dumps(value, protocol=protocol)) == name


# Sizes


def bomb() -> list[Any]:
    """Thirty lists that would be 10^30 when written out."""
    nest: list[Any] = ["x"]
    for _ in range(30):
        nest = [nest] * 10
    return nest


def loop() -> dict[str, Any]:
    config: dict[str, Any] = {}
    config["model_cfg"] = config
    return config


@pytest.mark.parametrize("config", [bomb(), loop(), {"a": {1, 2}}, {"a": "x" * 2**21}])
def test_settings_are_plain_and_short(config: object) -> None:
    """Shown in an error or saved again, such settings fill the memory."""
    with pytest.raises(ValueError, match=r"longer|Circular|serializable"):
        plain(config)


def test_plain_settings_pass_unchanged() -> None:
    """The published configuration must not change on the way."""
    assert plain(MICRO) == MICRO


HUGE = {
    "model_cfg.diffusion_model_cfg.num_attention_heads": 256,
    "model_cfg.diffusion_model_cfg.attention_head_dim": 64,
    "model_cfg.diffusion_model_cfg.num_layers": 256,
    "model_cfg.hidden_size": 16384,
    "model_cfg.max_seq_len": 65536,
}
"""Within all bounds: 1.1 TB of weights."""


def hostile_files(folder: Path, weights: Weights) -> list[Path]:
    """Small files that ask for a great deal."""
    small = folder.joinpath
    huge = MICRO
    for key, value in HUGE.items():
        huge = changed(huge, key, value)
    key = "action_encoder.W1.W"
    gigabyte = b"\x80\x02c__builtin__\nbytearray\nJ\x00\x00\x00\x40\x85R."
    files = [
        write_pt(small("expanded.pt"), {**weights, key: torch.zeros(1).expand(2**18, 2**18)}),
        write_pt(small("bomb.pt"), weights, {"model_cfg": bomb()}),
        write_pt(
            small("game.pt"),
            weights,
            changed(MICRO, "tokenizer_cfg.game_mapping_cfg", {"a": bomb()}),
        ),
        write_pt(small("huge.pt"), weights, huge),
        write_safetensors(small("huge.safetensors"), weights, huge),
        write_zip(small("bytes.pt"), {"data.pkl": gigabyte, "version": b"3\n"}),
        write_zip(small("zeros.pt"), {"data.pkl": b"N.", "data/0": bytes(2**26)}, compress=True),
    ]
    lying = small("lying.safetensors")
    lying.write_bytes((2**26 - 16).to_bytes(8, "little") + b"{" + bytes(2**10))
    return [*files, lying]


PROGRAM = """
import json, resource, sys
from policy import CheckpointError, load_policy
load_policy(sys.argv[1])
result = {}
for path in sys.argv[2:]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        load_policy(path)
        line = "loaded"
    except CheckpointError as error:
        line = error.line()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    result[path] = (line, grown // 1024)
print(json.dumps(result))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_small_files_take_little_memory(pt: Path, tmp_path: Path, weights: Weights) -> None:
    """A download of kilobytes must not freeze the machine that looks at it."""
    files = hostile_files(tmp_path, weights)
    assert max(path.stat().st_size for path in files) < 2**20
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(pt), *map(str, files)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert len(result) == len(files)
    for path, (line, megabytes) in result.items():
        assert path in line, f"{path}: {line}"
        assert megabytes < 200, f"{path} took {megabytes} MB"
