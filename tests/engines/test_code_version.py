"""What was compiled with other code computes something else, and is not found again.

Wherever a cache's key is made, it holds the code of the whole room ``policy`` and of every module
of the engine that shapes what is compiled.
"""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.engines.fingerprint import code_version
from nitropilot.engines.onnx.graph_version import SHAPING, graph_version
from nitropilot.engines.openvino import engine as openvino
from nitropilot.engines.pytorch import fused
from nitropilot.engines.wish import Wish
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

ROOTS = {
    "tensorrt": (SHAPING, "nitropilot.engines.tensorrt.build"),
    "openvino": (openvino.CODE, "nitropilot.engines.openvino.build"),
    "fused": (fused.CODE, "nitropilot.engines.pytorch.fused"),
}
"""By what is compiled: the code in its key, and the module that compiles it."""
INNOCENT = {
    "nitropilot.engines.cache",
    "nitropilot.engines.errors",
    "nitropilot.engines.fingerprint",
    "nitropilot.engines.onnx.graph_version",
    "nitropilot.engines.pytorch.engine",
    "nitropilot.engines.tensorrt.cuda_driver",
    "nitropilot.engines.tensorrt.library",
    "nitropilot.engines.tensorrt.plan_file",
}
"""What finds, checks or carries, and shapes nothing."""
POLICY = sorted((ROOT / "policy").rglob("*.py"))


@pytest.fixture
def changing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Have a file read as if a line had been added to it."""
    really_read = Path.read_bytes
    changed: list[Path] = []

    def read(path: Path) -> bytes:
        content = really_read(path)
        return content + b"# another line\n" if path.resolve() in changed else content

    monkeypatch.setattr(Path, "read_bytes", read)
    return lambda path: changed.append(path.resolve())


@pytest.mark.parametrize("kind", ROOTS)
@pytest.mark.parametrize("file", POLICY, ids=lambda file: str(file.relative_to(ROOT)))
def test_any_change_of_the_policys_room_makes_another_key(
    kind: str, file: Path, changing: Callable[[Path], None]
) -> None:
    """Weights, layers, the sampler, what a checkpoint's numbers mean: all of it shapes a graph."""
    code, _ = ROOTS[kind]
    before = code_version(*code)
    assert code_version(*code) == before
    changing(file)
    assert code_version(*code) != before


@pytest.mark.parametrize("kind", ROOTS)
def test_every_module_that_shapes_what_is_compiled_is_in_its_key(kind: str) -> None:
    """Found by following the imports of what compiles it."""
    code, root = ROOTS[kind]
    found: set[str] = set()
    rest = {root}
    while rest:
        module = rest.pop()
        found.add(module)
        rest |= imported(module) - found - INNOCENT
    engines = {name for name in code if name != "nitropilot.policy"}
    whole = {name for name in engines if (spec := find_spec(name)) and spec.parent == name}
    assert "nitropilot.policy" in code
    ours = {name for name in found if name.startswith("nitropilot.engines.")}
    assert {name for name in ours if name.rpartition(".")[0] not in whole} <= engines
    assert all(find_spec(name) for name in engines)


def test_the_pictures_that_are_measured_on_are_in_it_too(
    changing: Callable[[Path], None],
) -> None:
    """How 8-bit numbers are scaled depends on them."""
    picture = next((ROOT / "engines" / "calibration").glob("*.webp"))
    before = [code_version(*ROOTS[kind][0]) for kind in ("openvino", "tensorrt", "fused")]
    changing(picture)
    after = [code_version(*ROOTS[kind][0]) for kind in ("openvino", "tensorrt", "fused")]
    assert [was != now for was, now in zip(before, after, strict=True)] == [True, True, False]


def test_the_keys_are_made_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changing: Callable[[Path], None]
) -> None:
    """A list that no key holds would be of no use."""
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path))
    wish = Wish("random:tiny", device="cpu", precision="float32")

    # The one question to a card that the key of fused kernels asks.
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a card")

    def keys() -> tuple[str, str, str]:
        graph_version.cache_clear()
        fused_key = fused._key(wish.policy, torch.float32)
        return openvino.plan(wish)[0], graph_version(), fused_key

    before = keys()
    assert keys() == before
    changing(ROOT / "policy" / "network" / "graph.py")
    try:
        assert all(now != then for now, then in zip(keys(), before, strict=True))
    finally:
        graph_version.cache_clear()


def imported(module: str) -> set[str]:
    """Modules of ours that one imports when it runs."""
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    typing = [n for n in tree.body if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)]
    skipped = {id(inner) for block in typing for inner in ast.walk(block)}
    froms = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and id(n) not in skipped]
    names = {_module_of(str(node.module), alias.name) for node in froms for alias in node.names}
    return {name for name in names if name.startswith("nitropilot.engines.")}


def _module_of(place: str, name: str) -> str:
    """What ``from place import name`` imports: a module of that name, or what is in ``place``."""
    inner = f"{place}.{name}"
    try:
        there = place.startswith("nitropilot.") and find_spec(inner)
    except ModuleNotFoundError:  # the place is a module itself, and has none in it
        there = None
    return inner if there else place
