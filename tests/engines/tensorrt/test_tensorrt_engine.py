"""``TensorRTEngine`` on stand-ins for driver and library that copy, record and compute.

What these cannot show (that the real library records, how fast it is) is for the last test,
which runs where there is a card.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nitropilot.engines import (
    EngineUnavailable,
    InferenceFailed,
    OutOfMemory,
    Prefix,
    Request,
    WrongResult,
    chooser,
    load_engine,
)
from nitropilot.engines.tensorrt import engine as tensorrt_engine
from nitropilot.engines.tensorrt import library
from nitropilot.engines.tensorrt.build import build_plans
from nitropilot.engines.tensorrt.engine import available
from nitropilot.engines.tensorrt.plan_file import plans_folder, read_plan, write_plan
from nitropilot.engines.wish import Wish
from nitropilot.policy import ObservationError, load_policy, open_policy, save_policy
from tests.engines.examples import example, relative, sampled
from tests.engines.tensorrt.fake_cuda import CUresult, FakeDriver
from tests.engines.tensorrt.fake_tensorrt import FakeTensorRT
from tests.policy.samples import GAMES, fixture_path, fixture_policy, with_steps
from tests.support.places import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nitropilot.engines.base import Engine

POLICY = str(fixture_path("horizon18_steps4"))
"""Quick to build: four steps."""


def build_here(policy: str, target: str, precision: str) -> None:
    """``build_apart``, not apart."""
    build_plans(policy, [target], precision)


class Card:
    """A machine with a card: driver and libraries, all stand-ins."""

    def __init__(self, patch: pytest.MonkeyPatch, target: str = "sm89") -> None:
        self.patch = patch
        self.driver = FakeDriver(target)
        patch.setitem(sys.modules, "cuda.bindings.driver", self.driver)
        # In this process, where the stand-ins are; apart it is tested with the real library.
        patch.setattr(tensorrt_engine, "build_apart", build_here)
        self.install("tensorrt_rtx")

    def install(self, *names: str) -> None:
        """These libraries are there, and no others."""
        for name in (library.RTX, library.DATA_CENTRE):
            module = FakeTensorRT(name, self.driver) if name in names else None
            self.patch.setitem(sys.modules, name, module)
        library.load_library.cache_clear()

    @property
    def trt(self) -> FakeTensorRT:
        """The library that is there."""
        return next(sys.modules[n] for n in library.installed())  # type: ignore[return-value]

    def open(self, policy: str = POLICY, **options: Any) -> Engine:
        """An engine on this machine, in float32 because onnxruntime computes in that."""
        options = {"precision": "float32"} | options
        return load_engine(policy, engine="tensorrt", device="cuda", **options)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the policy's plan and kernels in it."""
    folder = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NITROPILOT_CACHE", str(folder))
        Card(patch).open().close()
    library.load_library.cache_clear()
    return folder


@pytest.fixture
def new_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Card]:
    """A card, and an empty cache."""
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path / "cache"))
    yield Card(monkeypatch)
    library.load_library.cache_clear()


@pytest.fixture
def card(new_card: Card, built: Path, tmp_path: Path) -> Card:
    """A card, and a cache with the policy's plan in it."""
    shutil.copytree(built, tmp_path / "cache")
    return new_card


@pytest.fixture(scope="module")
def with_games(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The fixture with games, in a file that names them; of few steps, as each is compiled."""
    folder = tmp_path_factory.mktemp("policies")
    path, quick = folder / "two_frames_game.safetensors", folder / "two_steps.pt"
    save_policy(load_policy(with_steps("two_frames_game", 2, quick), games=GAMES), path)
    return str(path)


def test_chunks_are_what_the_policy_samples(card: Card) -> None:
    """The recorded chunk must read the inputs of today, not those it was recorded with."""
    policy, engine = open_policy(POLICY), card.open()
    for seed in range(3):
        images, noise = example(policy, seed)
        chunk = engine.infer(images, noise)
        assert relative(chunk.actions, sampled(policy, images, noise), noise) < 1e-5
        assert set(chunk.seconds) == {"preprocess", "inference"}
    engine.close()


def test_one_launch_a_chunk(card: Card) -> None:
    """Call by call, a chunk would cost what its few launches cost; it is one."""
    engine = card.open()
    images, noise = example(engine.spec)
    card.driver.calls.clear()
    engine.infer(images, noise)
    work = [name for name in card.driver.calls if not name.startswith("cuCtx")]
    assert work == ["cuGraphLaunch", "cuStreamSynchronize"]
    engine.close()


def test_options_reach_the_plan(card: Card, with_games: str) -> None:
    """Guidance needs the second profile; frames that are missing must have no effect."""
    policy, engine = open_policy(with_games), card.open(with_games)
    images, noise = example(policy)
    for options in (
        {"game": "hades", "cfg_scale": 2.5}, {}, {"game": "hades"}, {"dropped": 1},
        {"game": "celeste", "dropped": 1, "cfg_scale": 0.5},
    ):  # fmt: skip
        found = engine.infer(images, noise, **options).actions  # type: ignore[arg-type]
        assert relative(found, sampled(policy, images, noise, **options), noise) < 1e-5, options
    weights = np.zeros(policy.horizon, np.float32)
    weights[:5] = 1
    prefix = Prefix(noise[::-1].copy(), weights)
    joined = engine.infer(images, noise, prefix=prefix).actions
    assert np.abs(joined[:5] - prefix.actions[:5]).max() < 1e-5
    engine.close()
    assert card.driver.live == 0


def test_answers_stay(card: Card) -> None:
    """An answer must not be a view of memory that the next chunk overwrites, or that is freed."""
    engine = card.open()
    images, noise = example(engine.spec)
    first = engine.infer(images, noise).actions
    before = first.copy()
    engine.infer(-images, -noise)
    engine.close()
    assert np.array_equal(first, before)


def test_what_it_says_of_itself(card: Card) -> None:
    """Status shows the card, the library and whether launches are saved."""
    engine = card.open()
    assert engine.info.name == "tensorrt"
    assert engine.info.device == "cuda (Fake Card 4090), CUDA graph"
    assert engine.info.precision.startswith("float32 (error ")
    assert "tensorrt_rtx 1.2.3" in engine.info.reason
    assert engine.max_batch == 1
    with pytest.raises(ObservationError, match="2 requests at once"):
        engine.infer_batch([Request(*example(engine.spec))] * 2)
    engine.close()
    assert available("cuda") == "Fake Card 4090, tensorrt_rtx 1.2.3"


def test_closing_frees_all(card: Card) -> None:
    """The next policy needs the card's memory; closing twice must not free it twice."""
    engine = card.open()
    engine.infer(*example(engine.spec))
    assert card.driver.live > 5
    assert card.trt.alive
    engine.close()
    engine.close()
    assert card.driver.live == 0
    assert not card.trt.alive
    with pytest.raises(InferenceFailed, match="the engine is closed"):
        engine.infer(*example(engine.spec))


def test_a_warm_start_builds_nothing(new_card: Card) -> None:
    """With a plan in the cache a start takes a second, and the kernels are finished already."""
    card = new_card
    images, noise = example(open_policy(POLICY))
    first = card.open()
    wanted = first.infer(images, noise).actions
    first.close()
    assert (len(card.trt.built), card.trt.compiled) == (1, 1)
    again = card.open()
    assert np.array_equal(again.infer(images, noise).actions, wanted)
    assert again.spec == first.spec
    again.close()
    assert (len(card.trt.built), card.trt.compiled) == (1, 1)


def test_a_warm_start_reads_neither_torch_nor_the_checkpoint(card: Card, tmp_path: Path) -> None:
    """torch takes seconds and half a gigabyte to load, beside a game that wants both."""
    policy = tmp_path / "one.safetensors"
    save_policy(fixture_policy("single_frame"), policy)
    card.open(str(policy)).close()
    code = (
        "import sys\n"
        "from tests.engines.tensorrt.fake_cuda import FakeDriver\n"
        "from tests.engines.tensorrt.fake_tensorrt import FakeTensorRT\n"
        "driver = FakeDriver('sm89')\n"
        "sys.modules['cuda.bindings.driver'] = driver\n"
        "sys.modules['tensorrt_rtx'] = FakeTensorRT('tensorrt_rtx', driver)\n"
        "from nitropilot.engines.tensorrt.engine import open_engine\n"
        "from nitropilot.engines.wish import Wish\n"
        "engine = open_engine(Wish(sys.argv[1], 'tensorrt', 'cuda', 'float32'), 'a test')\n"
        "print(engine.spec.name, engine.warm_up() > 0, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(policy)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == ["one.safetensors", "True", "False"], done.stderr


@pytest.mark.parametrize("names", [("tensorrt",), ("tensorrt_rtx", "tensorrt")])
def test_the_library_for_data_centres(card: Card, names: tuple[str, ...]) -> None:
    """A card that the RTX library does not know is the other one's, which has no cache."""
    card.install(*names)
    card.driver.target = "sm90"
    policy, engine = open_policy(POLICY), card.open()
    images, noise = example(policy)
    found = engine.infer(images, noise).actions
    assert relative(found, sampled(policy, images, noise), noise) < 1e-5
    assert "tensorrt 1.2.3" in engine.info.reason
    engine.close()
    assert card.driver.live == 0
    assert not list(plans_folder().glob("*-sm90-*.kernels"))


def test_a_library_that_records_by_itself(card: Card) -> None:
    """Where the library cannot be recorded, it is asked to record; status says so."""
    card.trt.recordable = False
    policy, engine = open_policy(POLICY), card.open()
    assert engine.info.device.endswith("the library's CUDA graph")
    assert "cuStreamBeginCapture" not in card.driver.calls
    images, noise = example(policy)
    found = engine.infer(images, noise).actions
    assert relative(found, sampled(policy, images, noise), noise) < 1e-5
    engine.close()


def test_a_driver_that_cannot_record(card: Card) -> None:
    """Then it runs call by call, and says so (invariant 4)."""
    card.driver.fails["cuGraphInstantiate"] = CUresult.CUDA_ERROR_INVALID_VALUE
    policy, engine = open_policy(POLICY), card.open()
    assert engine.info.device.endswith("no CUDA graph")
    images, noise = example(policy)
    found = engine.infer(images, noise).actions
    assert relative(found, sampled(policy, images, noise), noise) < 1e-5
    engine.close()
    assert card.driver.live == 0


def spoil(path: Path, change: Callable[[bytearray], object]) -> None:
    """Change the bytes of a file."""
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)


DAMAGE: dict[str, Callable[[bytearray], object]] = {
    "a flipped bit": lambda raw: raw.__setitem__(-1, raw[-1] ^ 1),
    "cut off": lambda raw: raw.__delitem__(slice(len(raw) // 2, None)),
    "empty": lambda raw: raw.clear(),
    "another file": lambda raw: raw.__setitem__(slice(None), b"GIF89a" * 2000),
    "a damaged header": lambda raw: raw.__setitem__(slice(18, 30), b'{"spec": 1}\n'),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", ["plan", "kernels"])
def test_a_damaged_cache(
    card: Card, damage: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """No library may see bytes that are not what it wrote; the file is made again."""
    policy = open_policy(POLICY)
    (path,) = plans_folder().glob(f"*.{kind}")
    good = path.read_bytes()
    spoil(path, DAMAGE[damage])
    engine = card.open()
    images, noise = example(policy)
    found = engine.infer(images, noise).actions
    assert relative(found, sampled(policy, images, noise), noise) < 1e-5
    engine.close()
    assert path.name in caplog.text
    assert path.read_bytes() == good
    assert len(card.trt.built) == (1 if kind == "plan" else 0)
    assert card.trt.compiled == (1 if kind == "kernels" else 0)


def test_a_stale_plan(card: Card, caplog: pytest.LogCaptureFixture) -> None:
    """A plan that the library itself refuses (another driver) is built again, once."""
    card.trt.refuses["deserialize"] = "Error Code 1: the plan is of another version"
    with pytest.raises(EngineUnavailable, match="another version") as failure:
        card.open()
    assert "\n" not in failure.value.line()
    assert "building it again" in caplog.text
    assert len(card.trt.built) == 1
    assert card.driver.live == 0


def test_other_versions_have_other_plans(card: Card) -> None:
    """An engine runs with the very version that built it."""
    card.open().close()
    assert len(card.trt.built) == 0
    card.trt.__version__ = "1.2.4"
    library.load_library.cache_clear()
    card.open().close()
    assert len(card.trt.built) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a profile's folders are the user's own")
def test_a_plan_that_others_could_write(card: Card) -> None:
    """A plan is code: one that somebody else could have put there is refused, not rebuilt over."""
    (path,) = plans_folder().glob("*.plan")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o660)
    with pytest.raises(EngineUnavailable, match="can be written by others") as failure:
        card.open()
    assert str(path) in failure.value.hint


def test_kernels_of_another_card(card: Card) -> None:
    """The library refuses them itself: they are compiled and kept again."""
    (path,) = plans_folder().glob("*.kernels")
    stored = read_plan(path)
    write_plan(path, dataclasses.replace(stored, content=b"kernels of sm86"))
    card.open().close()
    assert card.trt.compiled == 1
    assert bytes(read_plan(path).content) == b"kernels of sm89"


def test_a_library_that_computes_something_else(card: Card) -> None:
    """Compilers have faults: what a plan computes is checked where it runs (invariant 5)."""
    card.trt.wrong = 1e-2
    with pytest.raises(WrongResult, match=r"relative error of 1\.0e-02, allowed are 1e-04"):
        card.open()
    card.trt.wrong = float("nan")
    with pytest.raises(WrongResult, match="relative error of nan"):
        card.open()
    assert len(card.trt.built) == 0, "building again would give the same"
    assert card.driver.live == 0


FAILURES = [
    ({"cuMemAlloc": CUresult.CUDA_ERROR_OUT_OF_MEMORY}, {}, OutOfMemory, "cuMemAlloc"),
    ({}, {"context": "CUDA out of memory"}, OutOfMemory, "out of memory"),
    ({}, {"deserialize": "Error Code 2: OutOfMemory"}, OutOfMemory, "OutOfMemory"),
    ({}, {"execute": "Error Code 1: Cask"}, EngineUnavailable, "failed: Error Code 1: Cask"),
    ({}, {"build": "no kernel for add_3"}, EngineUnavailable, "no kernel for add_3"),
    ({}, {"parse": "no importer for Gelu"}, EngineUnavailable, "no importer for Gelu"),
    ({}, {"Builder": "CUDA is too old"}, EngineUnavailable, "CUDA is too old"),
]


@pytest.mark.parametrize(("calls", "refuses", "kind", "says"), FAILURES)
def test_failures_while_opening(
    request: pytest.FixtureRequest, calls: dict[str, CUresult], refuses: dict[str, str],
    kind: type[Exception], says: str,
) -> None:  # fmt: skip
    """One line with the library's first words, and nothing left on the card."""
    builds = refuses.keys() & {"build", "parse", "Builder"}
    card: Card = request.getfixturevalue("new_card" if builds else "card")
    card.driver.fails |= calls
    card.trt.refuses |= refuses
    with pytest.raises(kind, match=says) as failure:
        card.open()
    assert "\n" not in failure.value.line()  # type: ignore[attr-defined]
    assert "consequence" not in str(failure.value)
    card.driver.fails.clear()
    assert card.driver.live == 0


def test_a_card_that_fails_in_play(card: Card) -> None:
    """A lost card ends as one error a chunk, and closing stays possible."""
    engine = card.open()
    inputs = example(engine.spec)
    card.driver.fails["cuGraphLaunch"] = CUresult.CUDA_ERROR_LAUNCH_FAILED
    with pytest.raises(InferenceFailed, match="cuGraphLaunch: CUDA_ERROR_LAUNCH_FAILED"):
        engine.infer(*inputs)
    card.driver.fails["cuMemFree"] = CUresult.CUDA_ERROR_LAUNCH_FAILED
    engine.close()
    engine.close()


def test_machines_without(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thing that is missing has its own line and its own fix."""
    card.driver.target = ""
    with pytest.raises(EngineUnavailable, match="finds no card: cuInit: CUDA_ERROR_NO_DEV") as e:
        available("cuda")
    assert "nvidia-smi" in e.value.hint
    monkeypatch.setitem(sys.modules, "cuda.bindings.driver", None)
    with pytest.raises(EngineUnavailable, match="cuda-bindings is not installed") as e:
        available("cuda")
    assert "nitropilot[tensorrt]" in e.value.hint
    card.install()
    with pytest.raises(EngineUnavailable, match="neither tensorrt_rtx nor tensorrt") as e:
        available("cuda")
    assert "nitropilot[tensorrt]' for GeForce" in e.value.hint
    assert "nitropilot[tensorrt-datacenter]' for data-centre" in e.value.hint


def test_cards_and_precisions_that_do_not_fit(card: Card) -> None:
    """Known before anything is built."""
    card.driver.target = "sm86"
    card.install("tensorrt")
    with pytest.raises(EngineUnavailable, match="does not compute in fp8") as failure:
        card.open(precision="fp8")
    assert "bfloat16" in failure.value.hint
    card.install("tensorrt_rtx")
    with pytest.raises(EngineUnavailable, match=r"does not serve Fake Card 4090 \(sm86\)") as e:
        card.open()
    assert "nitropilot[tensorrt-datacenter]" in e.value.hint


@pytest.mark.parametrize(
    ("name", "extra"), [("tensorrt_rtx", "tensorrt"), ("tensorrt", "tensorrt-datacenter")]
)
def test_a_library_that_does_not_load(
    monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    """Whoever follows the hint gets that one and not the other."""
    monkeypatch.setitem(sys.modules, name, None)
    library.load_library.cache_clear()
    with pytest.raises(EngineUnavailable, match=f"{name} cannot be loaded") as e:
        library.load_library(name)
    assert e.value.hint.endswith(f"'nitropilot[{extra}]'")


def test_no_driver_here() -> None:
    """The real ``cuda-bindings`` on a machine without a driver, as CI is."""
    pytest.importorskip("cuda.bindings.driver")
    pytest.importorskip("tensorrt_rtx")
    try:
        assert available("cuda")
    except EngineUnavailable as error:
        assert error.hint
        assert "NVIDIA driver" in str(error)


def test_auto_falls_through_to_the_next(new_card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that refuses the policy must not keep anybody from playing."""
    card = new_card
    monkeypatch.setattr(
        chooser, "BACKENDS", [b for b in chooser.BACKENDS if b.engine in ("tensorrt", "torch")]
    )
    card.trt.refuses["build"] = "no kernel for add_3"
    engine = load_engine(POLICY)
    assert engine.info.name != "tensorrt"
    assert "no kernel for add_3" in engine.info.reason
    engine.close()


def test_on_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real thing, where there is one: every precision against the policy itself."""
    try:
        available("cuda")
    except EngineUnavailable as error:
        pytest.skip(error.line())
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path))
    policy = open_policy(POLICY)
    images, noise = example(policy)
    wanted = sampled(policy, images, noise)
    for precision, bar in (("float32", 1e-4), ("bfloat16", 2e-2), ("int8", 5e-2)):
        wish = Wish(POLICY, "tensorrt", "cuda", precision)
        engine = load_engine(wish.policy, engine="tensorrt", device="cuda", precision=precision)
        for _ in range(3):
            assert relative(engine.infer(images, noise).actions, wanted) < bar, precision
        assert "CUDA graph" in engine.info.device
        engine.close()
