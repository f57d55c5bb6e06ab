"""``TorchEngine`` against ``Policy.sample``, with the checkpoints of the policy's own tests."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from nitropilot.engines import InferenceFailed
from nitropilot.engines.pytorch.engine import TorchEngine
from nitropilot.policy import ObservationError, random_policy
from nitropilot.policy.network.graph import FramePart
from tests.policy.samples import NAMES, fixture_policy, movement_error, reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nitropilot.policy.network.policy import Policy


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Each of the checkpoints that the reference implementation wrote."""
    return str(request.param)


@pytest.fixture(scope="module")
def policy(name: str) -> Policy:
    """The policy in it."""
    return fixture_policy(name)


@pytest.fixture(scope="module")
def tiny() -> Policy:
    """A policy with random weights, not to be changed."""
    return random_policy("tiny", 0)


def example(policy: Policy, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An observation and noise that fit the policy."""
    rng = np.random.default_rng(seed)
    shape = (policy.frames, 3, policy.image_size, policy.image_size)
    images = rng.uniform(-1, 1, shape).astype(np.float32)
    return images, rng.standard_normal((policy.horizon, policy.action_dim), np.float32)


def sampled(
    policy: Policy, images: NDArray[np.float32], noise: NDArray[np.float32], **options: Any
) -> NDArray[np.float32]:
    """What the policy itself makes of them."""
    batch = torch.from_numpy(images)[None], torch.from_numpy(noise)[None]
    answer: NDArray[np.float32] = policy.sample(*batch, **options)[0].numpy()
    return answer


def test_the_recorded_samples(name: str, policy: Policy) -> None:
    """The engine must give what the reference implementation gave for these frames."""
    wanted = reference(name)
    engine = TorchEngine(policy)
    for images, noise, actions in zip(wanted.images, wanted.noise, wanted.actions, strict=True):
        chunk = engine.infer(images.numpy(), noise.numpy(), game=wanted.game)
        assert movement_error(torch.from_numpy(chunk.actions), actions, noise) < 1e-4


@pytest.mark.parametrize("seed", [0, 1])
def test_plain_chunks(policy: Policy, seed: int) -> None:
    """Caching what depends on the timesteps alone must not change an answer (invariant 5)."""
    images, noise = example(policy, seed)
    engine = TorchEngine(policy)
    for _ in range(2):
        chunk = engine.infer(images, noise)
        assert np.abs(chunk.actions - sampled(policy, images, noise)).max() < 1e-6
    assert chunk.actions.dtype == np.float32
    assert chunk.actions.shape == (policy.horizon, policy.action_dim)
    assert chunk.actions.flags.c_contiguous
    assert set(chunk.seconds) == {"preprocess", "vision", "sampler"}
    assert chunk.total_seconds == sum(chunk.seconds.values()) > 0


def test_game_guidance_and_missing_frames() -> None:
    """Each option must reach the network; none of them may be ignored."""
    policy = fixture_policy("two_frames_game")
    engine = TorchEngine(policy)
    images, noise = example(policy)
    game = list(engine.spec.games)[-1]
    answers = []
    for options in (
        {}, {"game": game}, {"dropped": 1}, {"game": game, "cfg_scale": 2.5},
        {"game": game, "dropped": 1, "cfg_scale": 0.5},
    ):  # fmt: skip
        answers.append(engine.infer(images, noise, **options).actions)  # type: ignore[arg-type]
        wanted = sampled(policy, images, noise, **options)
        assert np.abs(answers[-1] - wanted).max() < 1e-6, options
    for i, one in enumerate(answers):
        for other in answers[:i]:
            assert np.abs(one - other).max() > 1e-5
    images[0] = 0.0
    again = engine.infer(images, noise, dropped=1).actions
    assert np.array_equal(again, answers[2]), "a frame that does not exist has no effect"


def test_arrays_of_any_owner(tiny: Policy) -> None:
    """Frames come from sockets and from flipped pictures: read-only, or with other strides."""
    engine = TorchEngine(tiny)
    images, noise = example(tiny)
    wanted = engine.infer(images, noise).actions
    frozen = np.frombuffer(images.tobytes(), np.float32).reshape(images.shape)
    assert np.array_equal(engine.infer(frozen, noise).actions, wanted)
    flipped = np.ascontiguousarray(images[:, ::-1])[:, ::-1]
    assert np.array_equal(engine.infer(flipped, noise).actions, wanted)
    before = images.copy()
    engine.infer(images, noise)
    assert np.array_equal(images, before)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"observation": np.zeros((1, 3, 32, 32), np.float32)}, r"observation is float32 \(1, 3, 32"),
    ({"observation": np.zeros((2, 3, 64, 64), np.float32)}, r"observation is float32 \(2, 3, 64"),
    ({"observation": np.zeros((3, 64, 64), np.float32)}, r"observation is float32 \(3, 64, 64\)"),
    ({"observation": np.zeros((1, 3, 64, 64), np.uint8)}, r"observation is uint8"),
    ({"noise": np.zeros((16, 24), np.float32)}, r"noise is float32 \(16, 24\)"),
    ({"noise": np.zeros((16, 25))}, r"noise is float64 \(16, 25\)"),
    ({"dropped": 1}, "dropped is 1 of 1 frames"),
    ({"dropped": -1}, "dropped is -1 of 1 frames"),
    ({"game": "Snake"}, "Snake"),
    ({"cfg_scale": 2.0}, "cfg_scale is 2.0"),
]


@pytest.mark.parametrize(("wrong", "says"), WRONG, ids=[says[:24] for _, says in WRONG])
def test_inputs_that_do_not_fit(tiny: Policy, wrong: dict[str, Any], says: str) -> None:
    """A wrong shape must be named with the right one, not end as a matrix product's error."""
    images, noise = example(tiny)
    inputs = {"observation": images, "noise": noise} | wrong
    with pytest.raises(ObservationError, match=says) as failure:
        TorchEngine(tiny).infer(**inputs)
    assert failure.value.hint
    assert "\n" not in failure.value.line()


def test_a_closed_engine(tiny: Policy) -> None:
    """Its weights are gone; the message must say so, and closing again is harmless."""
    engine = TorchEngine(tiny)
    engine.close()
    engine.close()
    with pytest.raises(InferenceFailed, match="the engine is closed") as failure:
        engine.infer(*example(tiny))
    assert failure.value.hint


def test_closing_frees_the_weights() -> None:
    """The next policy may be 2 GB as well: the first one must not stay in memory."""
    policy = random_policy("tiny", 3)
    engine = TorchEngine(policy)
    engine.infer(*example(policy))
    watched = weakref.ref(policy)
    engine.close()
    del policy
    gc.collect()
    assert watched() is None
    assert engine.spec.horizon == 16, "what it was stays known"


def test_weights_that_are_not_numbers() -> None:
    """A damaged checkpoint must end as an error, not as an arbitrary pad state."""
    policy = random_policy("tiny", 1)
    with torch.no_grad():
        next(policy.action_decoder.parameters()).fill_(float("nan"))
    engine = TorchEngine(policy)
    with pytest.raises(InferenceFailed, match="not finite"):
        engine.infer(*example(policy))


def test_a_device_that_fails(tiny: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of memory comes as many lines from torch; one of them is enough."""

    def fail(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")

    engine = TorchEngine(tiny)
    monkeypatch.setattr(FramePart, "forward", fail)
    with pytest.raises(InferenceFailed, match=r"^torch on cpu: CUDA out of memory\.$"):
        engine.infer(*example(tiny))


def test_what_it_says_of_itself(policy: Policy) -> None:
    """Clients build their inputs from the spec."""
    engine = TorchEngine(policy, reason="for a test")
    spec, info = engine.spec, engine.info
    assert (spec.frames, spec.image_size) == (policy.frames, policy.image_size)
    assert (spec.horizon, spec.action_dim) == (policy.horizon, 25)
    assert (spec.steps, spec.is_random, spec.old_layout) == (policy.steps, False, False)
    assert spec.games == policy.games
    assert (spec.name, spec.fingerprint) == (policy.name, policy.fingerprint)
    assert len(spec.fingerprint) == 64
    assert (info.name, info.precision, info.reason) == ("torch", "float32", "for a test")
    assert info.device == "cpu, 1 thread"


def test_noise_and_warm_up(tiny: Policy) -> None:
    """The same seed must give the same noise, of the policy's shape and unit variance."""
    engine = TorchEngine(tiny)
    one, two = (engine.draw_noise(np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one, two)
    assert (one.shape, one.dtype) == ((16, 25), np.float32)
    assert 0.8 < one.std() < 1.2
    assert engine.warm_up() > 0
