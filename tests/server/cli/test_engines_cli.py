"""``nitropilot engines``: list, build and bench as a user types them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.engines.tensorrt.library import installed
from tests.policy.samples import fixture_path
from tests.server.processes import command

if TYPE_CHECKING:
    from pathlib import Path

rtx = pytest.mark.skipif("tensorrt_rtx" not in installed(), reason="tensorrt_rtx is an extra")


def one_object(*arguments: str, home: Path) -> dict[str, Any]:
    """What a command prints with ``--json``."""
    done = command("engines", *arguments, "--json", home=home)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_list(tmp_path: Path) -> None:
    """Every engine is there, with a reason; the fastest that works is what auto takes."""
    answer = one_object("list", home=tmp_path)
    names = [engine["name"] for engine in answer["engines"]]
    assert names[:2] == ["tensorrt on cuda", "torch on cuda"]
    assert {"openvino on cpu", "torch on cpu"} <= set(names)
    for engine in answer["engines"]:
        assert engine["reason"]
        assert engine["available"] or engine["hint"]
    works = [e["name"] for e in answer["engines"] if e["available"] and e["automatic"]]
    assert answer["auto"] == works[0]
    table = command("engines", "list", home=tmp_path, COLUMNS="200")
    assert f"auto takes {answer['auto']}." in table.stdout


def test_build_for_this_machine_and_find_it_again(tmp_path: Path) -> None:
    """The second time must take no compiler."""
    cache = {"NITROPILOT_CACHE": str(tmp_path / "cache")}
    arguments = ("engines", "build", "--policy", "tiny", "--engine", "openvino", "--json")
    seen = []
    for _ in range(2):
        done = command(*arguments, home=tmp_path, **cache)
        assert done.returncode == 0, done.stderr
        (built,) = json.loads(done.stdout)["built"]
        seen.append(built)
    assert [built["was_there"] for built in seen] == [False, True]
    assert seen[0]["cache_key"] == seen[1]["cache_key"]
    assert 0 < seen[0]["error"] < 2e-2


@rtx
def test_build_for_cards_that_are_not_here(tmp_path: Path) -> None:
    """Plans for two cards in a folder, made without either of them, and no half files."""
    out = tmp_path / "plans"
    answer = one_object(
        "build", "--policy", str(fixture_path("horizon18_steps4")), "--engine", "tensorrt",
        "--target", "sm89,sm120", "--out", str(out), home=tmp_path,
    )  # fmt: skip
    assert [built["target"] for built in answer["built"]] == ["sm89", "sm120"]
    assert all(built["bytes"] > 100_000 for built in answer["built"])
    assert len(list(out.iterdir())) == 2


def test_build_onnx(tmp_path: Path) -> None:
    """A file that any ONNX runtime reads."""
    path = tmp_path / "tiny.onnx"
    answer = one_object(
        "build", "--policy", "tiny", "--engine", "onnx", "--out", str(path), home=tmp_path
    )
    assert answer["built"][0]["bytes"] == path.stat().st_size > 100_000


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("build", "--policy", "tiny", "--engine", "caffe"), "caffe"),
        (("build", "--policy", "tiny", "--engine", "onnx"), "--out"),
        (("build", "--policy", "huge.pt", "--engine", "openvino"), "huge.pt"),
        (("build", "--policy", "tiny", "--engine", "openvino", "--target", "sm89"), "--target"),
        (("build", "--policy", "tiny", "--engine", "openvino", "--device", "tpu"), "tpu"),
        (("build", "--policy", "tiny", "--engine", "openvino", "--precision", "int4"), "int4"),
        (("build", "--policy", "tiny", "--engine", "tensorrt", "--target", "rtx4090"), "rtx4090"),
        (("bench", "--policy", "tiny", "--engine", "caffe"), "caffe"),
        (("bench", "--policy", "tiny", "--repeat", "0"), "repeat is 0"),
        (("bench", "--policy", "nowhere.pt"), "nowhere.pt"),
        (("banch",), "banch"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    """What is wrong, in the user's word, and nothing made."""
    done = command("engines", *arguments, home=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert word in done.stderr


def test_bench(tmp_path: Path) -> None:
    """Every figure that the table has, from one short run beside the plain way."""
    report = one_object(
        "bench", "--policy", "tiny", "--engine", "torch", "--device", "cpu", "--repeat", "3",
        "--baseline", "--no-roofline", home=tmp_path,
    )  # fmt: skip
    ms = report["ms"]
    assert 0 < ms["total"]["p50"] <= ms["total"]["p90"] <= ms["total"]["p99"]
    assert {"preprocess", "decode"} <= set(ms)
    assert report["baseline"]["ratio"] > 0
    assert report["chunks"] == 3
    for name in ("peak_mb", "load_s", "cold_start_s"):
        assert report[name] > 0, name
