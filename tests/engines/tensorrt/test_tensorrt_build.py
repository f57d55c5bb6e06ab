"""Building plans with the real ``tensorrt_rtx``, which needs no card for that; plan files."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nitropilot.engines import EngineError, EngineUnavailable, OutOfMemory
from nitropilot.engines.base import PolicySpec
from nitropilot.engines.tensorrt.apart import build_apart
from nitropilot.engines.tensorrt.build import build_plans, check_plan, compile_model
from nitropilot.engines.tensorrt.library import RTX, installed, load_library
from nitropilot.engines.tensorrt.plan_file import (
    KEPT,
    Plan,
    PlanKey,
    PlanRejected,
    PlanUnsafe,
    find_plan,
    plans_folder,
    prune,
    read_plan,
    write_plan,
)
from nitropilot.engines.tensorrt.plan_probe import probe_request, relative_error
from nitropilot.policy import CheckpointError, fingerprint, open_policy
from tests.engines.examples import sampled
from tests.policy.samples import fixture_path, with_steps

if TYPE_CHECKING:
    from collections.abc import Callable

FEW_STEPS = str(fixture_path("horizon18_steps4"))
SPEC = PolicySpec("a", "f" * 64, False, 64, 1, 16, 25, 4, {"hades": 1}, 3, 16, 17)
KEY = PlanKey("f" * 64, "bfloat16", "sm89", RTX, "1.0", "g" * 16, "linux-x86_64")
rtx = pytest.mark.skipif(RTX not in installed(), reason="tensorrt_rtx is an extra")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds what another one built."""
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path / "cache"))


@rtx
def test_one_policy_for_several_cards(tmp_path: Path) -> None:
    """Ahead of time, on a machine without a card: built, written, read back, looked at."""
    told: list[tuple[str, float]] = []
    targets = ["sm86", "sm89", "sm120"]
    plans = build_plans(
        FEW_STEPS, targets, out_dir=tmp_path / "out",
        progress=lambda what, done: told.append((what, done)),
    )  # fmt: skip
    assert [plan.target for plan in plans] == targets
    contents = set()
    for built in plans:
        assert (built.precision, built.bytes) == ("bfloat16", built.path.stat().st_size)
        assert built.seconds > 0
        plan = read_plan(built.path)
        assert plan.spec.name == open_policy(FEW_STEPS).name
        assert plan.spec.fingerprint == plan.key.fingerprint == fingerprint(FEW_STEPS)
        assert (plan.key.target, plan.key.library) == (built.target, RTX)
        library = load_library(RTX)
        check_plan(library, plan.content)
        with pytest.raises(EngineError, match="MALFORMED_ENGINE"):
            check_plan(library, b"junk" + bytes(plan.content[4:]))
        contents.add(bytes(plan.content))
    assert len(contents) == 3
    assert [what for what, _ in told] == [
        "writing the model", "building for sm86", "building for sm89", "building for sm120", "done",
    ]  # fmt: skip
    assert [done for _, done in told] == sorted(done for _, done in told)
    assert not list(plans_folder().iterdir()), "the model was only a step on the way"


@rtx
@pytest.mark.parametrize(
    ("policy", "precision", "target"),
    [(FEW_STEPS, "int8", "sm80"), (FEW_STEPS, "fp8", "sm89"), (FEW_STEPS, "float32", "sm120"),
     ("two frames and a game", "auto", "sm121")],
)  # fmt: skip
def test_precisions_and_other_policies(
    policy: str, precision: str, target: str, tmp_path: Path
) -> None:
    """Every kind of model must be one that the real library accepts."""
    if policy != FEW_STEPS:  # each step is compiled again
        policy = str(with_steps("two_frames_game", 2, tmp_path / "two_steps.pt"))
    (built,) = build_plans(policy, [target], precision)
    assert built.precision == precision.replace("auto", "bfloat16")
    assert built.path.parent == plans_folder()
    plan = read_plan(built.path)
    assert (b"type=fp8_e4m3" in bytes(plan.content)) == (precision == "fp8")
    assert find_plan(plan.key) is not None


@rtx
@pytest.mark.parametrize(
    ("targets", "precision", "says", "hint"),
    [(["sm99"], "auto", "'sm99'", "sm89"), ([""], "auto", "''", "sm89"),
     (["sm89", "ada"], "auto", "'ada'", "current"),
     ([], "auto", "no target", "sm89"), (["sm86"], "fp8", "sm86 does not compute in fp8", "bf"),
     (["sm75"], "auto", "sm75 does not compute in bfloat16", "torch"),
     (["sm89"], "int4", "'int4'", "fp8")],
)  # fmt: skip
def test_what_cannot_be_built(
    targets: list[str], precision: str, says: str, hint: str
) -> None:  # fmt: skip
    """Known before a checkpoint of 2 GB is read."""
    with pytest.raises(EngineUnavailable, match=says) as failure:
        build_plans("no-such-file.pt", targets, precision)
    assert hint in failure.value.hint
    assert "\n" not in failure.value.line()


@rtx
def test_policies_and_folders_that_are_not_there(tmp_path: Path) -> None:
    """The policy's own error passes through; a folder that is a file is named."""
    with pytest.raises(CheckpointError):
        build_plans("no-such-file.pt", ["sm89"])
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="cannot make the folder"):
        build_plans(FEW_STEPS, ["sm89"], out_dir=tmp_path / "file")


@rtx
def test_in_a_process_of_its_own() -> None:
    """What a start does: the plan must be where it looks, errors arrive as what they are."""
    build_apart(FEW_STEPS, "sm89", "bfloat16")
    (path,) = plans_folder().glob("*.plan")
    plan = read_plan(path)
    assert find_plan(plan.key) is not None
    policy = open_policy(FEW_STEPS)
    request = probe_request(plan.spec)
    images, noise = request.observation, request.noise
    wanted = sampled(policy, images, noise)
    assert relative_error(wanted, plan.probe) < 1e-6
    assert relative_error(-wanted, plan.probe) == pytest.approx(2)
    with pytest.raises(CheckpointError, match=r"no-such-file\.pt"):
        build_apart("no-such-file.pt", "sm89", "bfloat16")
    with pytest.raises(EngineUnavailable, match="does not compute in fp8") as failure:
        build_apart(FEW_STEPS, "sm80", "fp8")
    assert failure.value.hint


@pytest.mark.parametrize(
    ("ends", "kind", "says"),
    [("os.kill(os.getpid(), 9)", OutOfMemory, "want of memory"),
     ("sys.exit('core dumped')", EngineError, "status 1: core dumped"),
     ("os._exit(0)", EngineError, "status 0: nothing")],
)  # fmt: skip
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_compiler_that_crashes(
    ends: str, kind: type[Exception], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not take the game down, and its end must be told from a refusal."""
    (tmp_path / "crashing.py").write_text(f"import os, sys\n{ends}\n")
    monkeypatch.setattr("nitropilot.engines.tensorrt.apart.MODULE", "crashing")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(kind, match=says):
        build_apart(FEW_STEPS, "sm89", "bfloat16")


@rtx
def test_a_model_that_the_library_cannot_read(tmp_path: Path) -> None:
    """The parser's own words, the first line of them."""
    onnx = pytest.importorskip("onnx")
    make = onnx.helper
    values = [make.make_tensor_value_info(name, 1, [1, 4]) for name in ("x", "y")]
    graph = make.make_graph([make.make_node("Whirl", ["x"], ["y"])], "g", values[:1], values[1:])
    onnx.save(make.make_model(graph, opset_imports=[make.make_opsetid("", 21)]), tmp_path / "m")
    library = load_library(RTX)
    with pytest.raises(EngineError, match=r"tensorrt_rtx .* cannot read the model: .*Whirl") as e:
        compile_model(library, tmp_path / "m", "sm89")
    assert "\n" not in e.value.line()
    (tmp_path / "n").write_bytes(b"no model")
    with pytest.raises(EngineError, match="cannot read the model"):
        compile_model(library, tmp_path / "n", "sm89")


def test_a_plan_file_comes_back(tmp_path: Path) -> None:
    """What a warm start knows is what was built; the library's bytes begin on a page."""
    path = tmp_path / "a.plan"
    content, probe = os.urandom(10_000), (0.1, -1e-7, 3.0)
    size = write_plan(path, Plan(SPEC, KEY, content, probe))
    plan = read_plan(path, KEY)
    assert (plan.spec, plan.key, bytes(plan.content), plan.probe) == (SPEC, KEY, content, probe)
    assert size == path.stat().st_size
    assert path.read_bytes().index(content) % 4096 == 0
    assert [file.name for file in tmp_path.iterdir()] == ["a.plan"]
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o600


CHANGES: dict[str, Callable[[bytearray], Any]] = {
    "content": lambda raw: raw.__setitem__(-1, raw[-1] ^ 1),
    "length": lambda raw: raw.pop(),
    "padding and more": lambda raw: raw.extend(b"more"),
    "header": lambda raw: raw.__setitem__(slice(None), raw.replace(b'"steps": 4', b'"steps": 5')),
    "magic": lambda raw: raw.__setitem__(0, 0),
    "json": lambda raw: raw.__setitem__(slice(18, 19), b"["),
    "no line": lambda raw: raw.__setitem__(slice(None), raw.split(b"\n")[0]),
    "empty": lambda raw: raw.clear(),
    "other json": lambda raw: raw.__setitem__(slice(18, None), b"[1]\n"),
    "key": lambda raw: raw.__setitem__(slice(None), raw.replace(b'"kind"', b'"kinb"')),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_plan_is_refused(change: str, tmp_path: Path) -> None:
    """Not one bit of a plan may differ from what was built, its header included."""
    path = tmp_path / "a.plan"
    write_plan(path, Plan(SPEC, KEY, b"plan" * 1000))
    raw = bytearray(path.read_bytes())
    before = bytes(raw)
    CHANGES[change](raw)
    assert bytes(raw) != before
    path.write_bytes(raw)
    with pytest.raises(PlanRejected) as failure:
        read_plan(path)
    assert str(path) in str(failure.value)


@pytest.mark.parametrize("part", [field.name for field in dataclasses.fields(PlanKey)])
def test_a_plan_of_something_else(part: str, tmp_path: Path) -> None:
    """A plan that was renamed must not run for another card, policy or version."""
    other = dataclasses.replace(KEY, **{part: "another"})
    assert other.file_name != KEY.file_name
    path = tmp_path / KEY.file_name
    write_plan(path, Plan(SPEC, other, b"plan"))
    with pytest.raises(PlanRejected, match=f"made for another {part}"):
        read_plan(path, KEY)


@pytest.mark.skipif(sys.platform == "win32", reason="a profile's folders are the user's own")
def test_whose_plan_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan is code: a link, another user's file or one open to others is not even read."""
    write_plan(KEY.path, Plan(SPEC, KEY, b"plan"))
    assert find_plan(KEY) is not None
    KEY.path.chmod(0o602)
    with pytest.raises(PlanUnsafe, match="written by others") as failure:
        find_plan(KEY)
    assert "remove" in failure.value.hint
    assert KEY.path.exists(), "evidence is not destroyed"
    KEY.path.chmod(0o600)
    elsewhere = KEY.path.with_name("elsewhere")
    KEY.path.rename(elsewhere)
    KEY.path.symlink_to(elsewhere)
    assert find_plan(KEY) is None, "a link is removed, and the plan built again"
    elsewhere.rename(KEY.path)
    path, another = KEY.path, KEY.path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    with pytest.raises(PlanUnsafe, match="belongs to user"):
        read_plan(path)


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut-off plan must not stand where the next start looks, and the old one stays."""
    path = tmp_path / "a.plan"
    write_plan(path, Plan(SPEC, KEY, b"old"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EngineError, match="No space left") as failure:
        write_plan(path, Plan(SPEC, KEY, b"new"))
    assert "NITROPILOT_CACHE" in failure.value.hint
    assert bytes(read_plan(path).content) == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.plan"]


def test_room_is_made() -> None:
    """Plans are a gigabyte each, and a killed build leaves its model: neither may pile up."""
    folder = plans_folder()
    now = time.time()
    for age in range(KEPT + 3):
        path = folder / f"{age:02}.plan"
        path.write_bytes(b"")
        os.utime(path, (now - age, now - age))
    left, fresh = folder / ".model-old", folder / ".model-new"
    for one in (left, fresh):
        one.mkdir()
        (one / "chunk.onnx").write_bytes(b"")
    os.utime(left, (now - 200_000, now - 200_000))
    prune()
    assert sorted(path.name for path in folder.glob("*.plan")) == [
        f"{age:02}.plan" for age in range(KEPT)
    ]
    assert fresh.exists()
    assert not left.exists()


def test_the_spec_survives_json() -> None:
    """A field that JSON changes (a tuple, a number as key) would spoil every warm start."""
    for spec in (SPEC, dataclasses.replace(SPEC, actions=8, trained_on=("runner", "road"))):
        assert PolicySpec.read(json.loads(json.dumps(dataclasses.asdict(spec)))) == spec
