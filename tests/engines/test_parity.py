"""Every engine that this machine can run against the policy in float32: same frames, same noise.

The frames are pictures of real games, made for this run.  By default small policies go
through every engine and precision; ``make parity`` (``NITROPILOT_PARITY=full``) leaves nothing
out, and holds the full-size one against float32 too.
"""

from __future__ import annotations

import gc
import os
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from nitropilot.agent import Target, open_game
from nitropilot.agent.errors import LaunchFailed
from nitropilot.agent.target.opening import press_opening
from nitropilot.controller import GamepadState
from nitropilot.engines import EngineUnavailable, Request, WrongResult, engine_reports, load_engine
from nitropilot.engines.chooser import BACKENDS, backends
from nitropilot.engines.pytorch.baseline import BaselineEngine
from nitropilot.policy import open_policy, random_policy, save_policy
from nitropilot.policy.actions import decode
from nitropilot.policy.observation import observe
from nitropilot.simulator.games.recipes import find_recipe
from tests.engines.examples import relative
from tests.policy.samples import NAMES, fixture_path, fixture_policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from nitropilot.engines import Engine
    from nitropilot.engines.chooser import Backend
    from nitropilot.policy.network.policy import Policy

    Array = NDArray[np.float32]
    Pictures = dict[str, NDArray[np.uint8]]

pytestmark = pytest.mark.long

EVERYTHING = os.environ.get("NITROPILOT_PARITY") == "full"
PRECISIONS = {
    "torch": ("float32", "bfloat16"),
    "openvino": ("float32", "bfloat16", "int8"),
    "tensorrt": ("float32", "bfloat16", "int8", "fp8"),
}
"""What an engine computes in; anything else it refuses."""
BARS = {"float32": 1e-5, "bfloat16": 2e-2, "int8": 5e-2, "fp8": 5e-2}
"""Relative L2 error of the actions that a precision is allowed."""
MOVEMENT = 4.0
"""How many times that is allowed of the way from the noise to the actions, which is
shorter than the actions are long."""
FLAT_MOVEMENT = {"float32": 1e-4, "bfloat16": 2e-1, "int8": 2e-1, "fp8": 3e-1}
"""The same for the recorded checkpoints, whose small weights move the noise by 1 % only:
rounding that the actions do not notice is a good part of that way."""
LOCAL = [backend for backend in BACKENDS if backend.engine != "remote"]
WAYS = [(backend, word) for backend in LOCAL for word in PRECISIONS[backend.engine]]
REFUSED = [
    (backend, word) for backend in LOCAL for word in BARS if word not in PRECISIONS[backend.engine]
]
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Pictures of games in play: of the built-in one, and of SuperTux where it is installed."""
    found: Pictures = {}
    for name in ("runner", "supertux"):
        try:
            found |= _play_a_little(name, tmp_path_factory.mktemp(name))
        except LaunchFailed as error:
            print(f"no picture of {name}: {error}")
    if not found:
        pytest.skip("no game can be shown here")
    return found


def _play_a_little(name: str, folder: Path) -> Pictures:
    """Two pictures, a walk to the right apart."""
    game = open_game(
        Target(launch=find_recipe(name), headless=True, keep=False), log=folder / "game.log"
    )
    try:
        epoch = game.controls.arm()
        press_opening(game, epoch)
        deadline = time.monotonic() + PATIENCE_S
        while game.grab().pixels.std() < 20:  # a black screen, a loading card
            assert time.monotonic() < deadline, f"{name} shows nothing"
            time.sleep(0.1)
        first = game.grab().pixels.copy()
        game.controls.send(GamepadState(left=(1.0, 0.0)), epoch, 1.0)
        time.sleep(1.0)
        return {f"{name} 1": first, f"{name} 2": game.grab().pixels.copy()}
    finally:
        game.close()


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The recorded checkpoints as engines load them; the one with games in a file that
    names them."""
    named = tmp_path_factory.mktemp("policies") / "two_frames_game.safetensors"
    save_policy(fixture_policy("two_frames_game"), named)
    return {name: str(fixture_path(name)) for name in NAMES} | {"two_frames_game": str(named)}


@pytest.fixture(scope="module")
def full() -> Iterator[Policy]:
    """The published architecture; 2 GB that are given back after the module."""
    policy = random_policy("full")
    yield policy
    del policy
    gc.collect()


def open_or_skip(backend: Backend, policy: str, precision: str) -> Engine:
    """An engine; a machine without it, or whose hardware does not compute so, skips.

    What is here and cannot be loaded, or computes something else, is a failure.
    """
    report = next(r for b, r in zip(backends(), engine_reports(), strict=True) if b is backend)
    if not report.available:
        pytest.skip(f"{report.name}: {report.reason}")
    if (backend.engine, precision) == ("openvino", "bfloat16") and precision not in report.reason:
        computes = report.reason.partition(", ")[2].split()[0]
        pytest.skip(f"this {backend.device} has no bfloat16: openvino computes in {computes}")
    if backend.engine == "openvino" and precision == "int8" and find_spec("nncf") is None:
        pytest.skip("nncf, which makes 8-bit weights, is not installed")
    try:
        return load_engine(
            policy, engine=backend.engine, device=backend.device, precision=precision
        )
    except EngineUnavailable as error:
        if backend.engine == "tensorrt" and "does not compute in" in str(error):
            pytest.skip(str(error))  # an older card
        raise


def requests_for(policy: Policy, pictures: Pictures) -> dict[str, Request]:
    """One request for each picture; frames before it are the pictures before."""
    rng = np.random.default_rng(1)
    seen = [observe(picture, policy.image_size)[0] for picture in pictures.values()]
    game = next((name for name, row in policy.games.items() if row), None)
    requests = {}
    for number, name in enumerate(pictures):
        frames = np.stack([seen[number - back] for back in reversed(range(policy.frames))])
        noise = rng.standard_normal((policy.horizon, policy.action_dim), np.float32)
        scale = 1.5 if game is not None and number else 1.0
        requests[name] = Request(frames, noise, game=game, cfg_scale=scale)
    return requests


def wanted_of(policy: Policy, request: Request) -> Array:
    """What the policy itself answers in float32."""
    answer: Array = policy.sample(
        torch.from_numpy(request.observation)[None], torch.from_numpy(request.noise)[None],
        game=request.game, cfg_scale=request.cfg_scale,
    )[0].numpy()  # fmt: skip
    return answer


def compare(
    engine: Engine,
    policy: Policy,
    requests: dict[str, Request],
    precision: str,
    movement: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Print the worst errors and the share of identical buttons; hold them against the bars."""
    errors, moved, same = [], [], []
    for request in requests.values():
        wanted = wanted_of(policy, request)
        (chunk,) = engine.infer_batch([request])
        errors.append(relative(chunk.actions, wanted))
        moved.append(relative(chunk.actions, wanted, request.noise))
        same.append((decode(chunk.actions).buttons == decode(wanted).buttons).mean())
    with capsys.disabled():
        print(
            f"\n  {policy.name}, {engine.info.name} on {engine.info.device}, {precision}, "
            f"{len(requests)} frames: relative L2 error {max(errors):.1e}, of the movement "
            f"{max(moved):.1e}; same buttons {np.mean(same):.2%}"
        )
    engine.close()
    assert max(errors) < BARS[precision]
    assert max(moved) < movement


@pytest.mark.parametrize(("backend", "precision"), REFUSED, ids=lambda v: getattr(v, "label", v))
def test_what_is_not_compared_is_refused(backend: Backend, precision: str) -> None:
    """A precision that an engine learns, and nobody holds against float32."""
    with pytest.raises(EngineUnavailable, match="does not compute in") as refusal:
        open_or_skip(backend, "random:tiny", precision)
    assert not isinstance(refusal.value, WrongResult)


@pytest.mark.parametrize(("backend", "precision"), WAYS, ids=lambda v: getattr(v, "label", v))
def test_small_random_policies(
    backend: Backend, precision: str, pictures: Pictures, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rounding may move an action, never change what is played."""
    engine = open_or_skip(backend, "random:tiny", precision)
    policy = random_policy("tiny")
    requests = requests_for(policy, pictures)
    compare(engine, policy, requests, precision, MOVEMENT * BARS[precision], capsys)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("backend", "precision"),
    WAYS if EVERYTHING else [way for way in WAYS if way[1] == "float32"],
    ids=lambda v: getattr(v, "label", v),
)
def test_recorded_checkpoints(
    backend: Backend,
    precision: str,
    name: str,
    pictures: Pictures,
    checkpoints: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Padding, positions, two frames, games with guidance, other horizons."""
    engine = open_or_skip(backend, checkpoints[name], precision)
    policy = open_policy(checkpoints[name])
    requests = requests_for(policy, pictures)
    compare(engine, policy, requests, precision, FLAT_MOVEMENT[precision], capsys)


@pytest.mark.parametrize("name", NAMES)
def test_the_baseline(name: str, pictures: Pictures, checkpoints: dict[str, str]) -> None:
    """What everything is measured against must compute the same, only more slowly."""
    policy = open_policy(checkpoints[name])
    engine = BaselineEngine(open_policy(checkpoints[name]))
    for request in requests_for(policy, pictures).values():
        (chunk,) = engine.infer_batch([request])
        wanted = wanted_of(policy, request)
        assert relative(chunk.actions, wanted, request.noise) < FLAT_MOVEMENT["float32"]


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "precision"), WAYS, ids=lambda v: getattr(v, "label", v))
def test_full_size(
    backend: Backend,
    precision: str,
    full: Policy,
    pictures: Pictures,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Errors grow with the width of sums and the number of layers."""
    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    try:
        engine = open_or_skip(backend, "random:full", precision)
        requests = requests_for(full, pictures)
        compare(engine, full, requests, precision, MOVEMENT * BARS[precision], capsys)
    finally:
        torch.set_num_threads(before)
