"""``OpenVinoEngine``: what it computes, and what becomes of a cache that is not as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nitropilot.engines import (
    EngineUnavailable,
    InferenceFailed,
    OutOfMemory,
    Prefix,
    Request,
    WrongResult,
    load_engine,
)
from nitropilot.engines.cache import cache_folder
from nitropilot.engines.wish import Wish
from nitropilot.policy import fingerprint, random_policy, save_policy
from tests.engines.examples import example, relative, sampled
from tests.policy.samples import NAMES, fixture_path, fixture_policy, reference

openvino_engine = pytest.importorskip(
    "nitropilot.engines.openvino.engine", reason="openvino is an extra"
)

QUICK = str(fixture_path("horizon18_steps4"))
"""Compiled in a third of the time that 16 steps take."""


def load(policy: str, **options: Any) -> Any:
    """An OpenVINO engine, compiled or from the cache."""
    return load_engine(policy, engine="openvino", device="cpu", **options)


def entry_of(policy: str, **options: Any) -> Path:
    """Where the cache keeps what ``load`` loads."""
    key, _ = openvino_engine.plan(Wish(policy, "openvino", "cpu", **options))
    return cache_folder("engines", "openvino") / str(key)


@pytest.fixture(scope="module")
def with_games(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The fixture with games, in a file that names them."""
    path = tmp_path_factory.mktemp("policies") / "two_frames_game.safetensors"
    save_policy(fixture_policy("two_frames_game"), path)
    return str(path)


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_samples(name: str, with_games: str) -> None:
    """Padding, positions, two frames, other horizons: as the reference implementation."""
    wanted = reference(name)
    path = with_games if wanted.game else str(fixture_path(name))
    engine = load(path, precision="float32")
    for images, noise, actions in zip(wanted.images, wanted.noise, wanted.actions, strict=True):
        chunk = engine.infer(images.numpy(), noise.numpy(), game=wanted.game)
        assert relative(chunk.actions, actions.numpy(), noise.numpy()) < 1e-4
    engine.close()


def test_games_guidance_frames_and_prefixes(with_games: str) -> None:
    """Each option must reach the compiled network."""
    policy = fixture_policy("two_frames_game")
    engine = load(with_games, precision="float32")
    images, noise = example(policy)
    for options in (
        {}, {"game": "hades"}, {"dropped": 1}, {"game": "celeste", "cfg_scale": 2.5},
        {"game": "hades", "dropped": 1, "cfg_scale": 0.5},
    ):  # fmt: skip
        wanted = sampled(policy, images, noise, **options)
        found = engine.infer(images, noise, **options).actions
        assert relative(found, wanted, noise) < 1e-4, options
    weights = np.zeros(policy.horizon, np.float32)
    weights[:5] = 1
    prefix = Prefix(noise[::-1].copy(), weights)
    joined = engine.infer(images, noise, prefix=prefix).actions
    assert np.abs(joined[:5] - prefix.actions[:5]).max() < 1e-5
    assert np.abs(joined[5:] - engine.infer(images, noise).actions[5:]).max() > 1e-6


@pytest.mark.parametrize(("precision", "allowed"), [("auto", 2e-2), ("int8", 5e-2)])
def test_less_precision_within_its_bars(precision: str, allowed: float) -> None:
    """What is printed as the error of a precision must be about what frames give."""
    policy = random_policy("tiny", 4)
    engine = load("random:tiny:4", precision=precision)
    errors = []
    for seed in range(8):
        images, noise = example(policy, seed)
        found = engine.infer(images, noise)
        errors.append(relative(found.actions, sampled(policy, images, noise)))
    assert max(errors) < allowed
    assert set(found.seconds) == {"preprocess", "vision", "sampler"}
    about = json.loads((entry_of("random:tiny:4", precision=precision) / "about.json").read_text())
    assert about["error"] < allowed
    assert max(errors) < 5 * about["error"] + 1e-6
    assert f"error {about['error']:.1e}" in engine.info.precision


def test_a_batch_is_what_its_requests_are_alone() -> None:
    """Whoever shares a batch must get the answer that they would get without company."""
    engine = load(QUICK, precision="float32", max_batch=4)
    requests = [Request(*example(engine.spec, seed)) for seed in range(4)]
    for count in (4, 1, 3):
        together = engine.infer_batch(requests[:count])
        for request, chunk in zip(requests, together, strict=False):
            alone = engine.infer_batch([request])[0]
            assert relative(chunk.actions, alone.actions) < 1e-5


def test_a_warm_start_needs_no_torch() -> None:
    """Importing torch takes longer than everything else of a warm start."""
    load("random:tiny:4").close()
    script = (
        "import sys\nfrom nitropilot.engines import load_engine\n"
        "e = load_engine('random:tiny:4', engine='openvino')\n"
        "assert e.warm_up() > 0\nprint('torch' in sys.modules, e.spec.fingerprint)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.split() == ["False", fingerprint("random:tiny:4")], done.stderr
    assert "random weights" in done.stderr


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _make_foreign(path: Path) -> None:
    """What another version may have written: the digest is right, the content is not."""
    import hashlib

    path.write_bytes(b"another library's format" * 100)
    about_path = path.with_name("about.json")
    about = json.loads(about_path.read_text())
    about["files"][path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    about_path.write_text(json.dumps(about))


def _cut_about(path: Path) -> None:
    path.with_name("about.json").write_text('{"spec": {"na')


@pytest.mark.parametrize(
    "spoil",
    [_flip_a_bit, _make_foreign, _cut_about],
    ids=lambda f: f.__name__.strip("_"),
)
def test_a_damaged_cache_is_built_again(spoil: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A bit that fell over on the disk must not become a button; it is said, and mended."""
    engine = load(QUICK)
    images, noise = example(engine.spec)
    wanted = engine.infer(images, noise).actions
    engine.close()
    spoil(entry_of(QUICK) / "sampler.blob")
    again = load(QUICK)
    assert "building it again" in caplog.text
    assert np.array_equal(again.infer(images, noise).actions, wanted)


def test_only_the_user_can_read_it() -> None:
    """A compiled policy is as good as code, and whose it is matters."""
    load("random:tiny:4").close()
    entry = entry_of("random:tiny:4")
    if os.name == "posix":
        assert entry.stat().st_mode & 0o077 == 0
        for file in entry.glob("*.blob"):
            assert file.stat().st_mode & 0o777 == 0o600
    assert not list(entry.parent.glob(".building-*"))


def test_what_it_refuses() -> None:
    """One line each, with the fix."""
    for options in ({"precision": "fp8"}, {"device": "npu"}):
        with pytest.raises(EngineUnavailable) as failure:
            load_engine("random:tiny", **({"engine": "openvino", "device": "cpu"} | options))
        assert failure.value.hint
        assert "\n" not in failure.value.line()


def test_a_closed_engine() -> None:
    """Its weights are gone; closing twice is harmless."""
    engine = load("random:tiny:4")
    engine.close()
    engine.close()
    with pytest.raises(InferenceFailed, match="closed"):
        engine.infer(*example(engine.spec))


def test_a_compiler_that_is_killed_is_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's answer to a process that wants too much; the chooser then goes on."""
    real = subprocess.run

    def killed(command: list[str], **options: Any) -> Any:
        code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        return real([sys.executable, "-c", code], **options)

    monkeypatch.setattr("nitropilot.engines.openvino.apart.subprocess.run", killed)
    with pytest.raises(OutOfMemory, match="want of memory"):
        load("random:tiny:5")
    engine = load_engine("random:tiny:5", device="cpu")
    assert engine.info.name == "torch"
    assert "not openvino on cpu: the system ended the compiler" in engine.info.reason


def test_a_result_that_is_off_is_refused() -> None:
    """A compiler's mistake must end as a slower engine, not as other actions (invariant 5)."""
    build = pytest.importorskip("nitropilot.engines.openvino.build")
    job = build.Job("random:tiny", "key", "CPU", "float32", "float32", False)
    wanted = np.ones((1, 16, 25), np.float32)
    assert build._error(job, wanted * (1 + 1e-6), wanted) < 1e-5
    for off in (wanted * 1.001, wanted * np.nan):
        with pytest.raises(WrongResult, match="relative error") as failure:
            build._error(job, off, wanted)
        assert "torch" in failure.value.hint


@pytest.mark.parametrize("precision", ["auto", "int8"])
def test_nobody_is_told(precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library sends figures to its makers, and leaves an id in the home folder, if let."""
    if precision == "int8":
        pytest.importorskip("nncf", reason="nncf is an extra")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NITROPILOT_CACHE", str(tmp_path / "cache"))
    load_engine(QUICK, engine="openvino", device="cpu", precision=precision).close()
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
