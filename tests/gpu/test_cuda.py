"""``TorchCudaEngine`` on a real card, against the policy in float32 on the processor."""

from __future__ import annotations

import gc
import threading
import time
import unittest
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nitropilot.engines.errors import InferenceFailed, OutOfMemory
from nitropilot.engines.pytorch.baseline import BaselineEngine
from nitropilot.engines.pytorch.cuda import TorchCudaEngine
from nitropilot.engines.pytorch.engine import failure
from nitropilot.engines.pytorch.fused import hindrance
from tests.gpu.bare import bare_policy
from tests.gpu.compare import example, prefix, reference, relative, same_buttons

if TYPE_CHECKING:
    from nitropilot.engines.base import Array
    from nitropilot.policy.network.policy import Policy

BARS = {torch.float32: 1e-5, torch.bfloat16: 2e-2}
"""Relative L2 error of the actions that is allowed."""
MOVEMENT_BARS = {torch.float32: 1e-4, torch.bfloat16: 5e-2}
"""The same of the way from the noise to the actions."""
LEFT_BYTES = 2**28
"""What libraries keep of a card after an engine is closed: workspaces, no weights."""


class OnACard(unittest.TestCase):
    """Skips where there is no card."""

    @classmethod
    def setUpClass(cls) -> None:
        if not torch.cuda.is_available():
            raise unittest.SkipTest(f"torch {torch.__version__} finds no CUDA device")

    def check(
        self, what: str, found: Array, wanted: Array, noise: Array, dtype: torch.dtype
    ) -> None:
        """Print how far the actions are off, and hold them against the bars."""
        error, moved = relative(found, wanted), relative(found, wanted, noise)
        same = same_buttons(found, wanted)
        print(
            f"\n  {what}: relative L2 error {error:.1e}, of the movement {moved:.1e}, "
            f"same buttons {same:.1%}",
            flush=True,
        )
        self.assertLess(error, BARS[dtype])
        self.assertLess(moved, MOVEMENT_BARS[dtype])


def tiny(seed: int = 4, **options: Any) -> Policy:
    """A small policy of two frames, with padding, games and positions: all there is."""
    options = {
        "frames": 2, "padding": 5, "game_rows": 3, "positions": "sinusoidal", **options,
    }  # fmt: skip
    return bare_policy("tiny", seed, **options)


class Answers(OnACard):
    """What it computes."""

    def test_every_option(self) -> None:
        """Each has its way into the graphs; none may be ignored or leak into the next chunk."""
        policy = tiny()
        for dtype in BARS:
            engine = TorchCudaEngine(policy, dtype=dtype)
            for number, options in enumerate(
                (
                    {}, {"game": "1"}, {"dropped": 1}, {"game": "2", "cfg_scale": 2.5},
                    {"game": "2", "dropped": 1, "cfg_scale": 0.5}, {},
                )
            ):  # fmt: skip
                request = example(policy, number, **options)
                (chunk,) = engine.infer_batch([request])
                what = f"tiny, {dtype}, {options or 'plain'}"
                self.check(what, chunk.actions, reference(policy, request), request.noise, dtype)
            engine.close()

    def test_full_size(self) -> None:
        """The published architecture, in both precisions, and the plain way as well."""
        policy = bare_policy("full")
        requests = [example(policy, seed) for seed in range(2)]
        wanted = [reference(policy, request) for request in requests]
        for dtype in BARS:
            engine = TorchCudaEngine(policy, dtype=dtype)
            for request, right in zip(requests, wanted, strict=True):
                (chunk,) = engine.infer_batch([request])
                self.check(f"full, {dtype}", chunk.actions, right, request.noise, dtype)
            engine.close()
        plain = BaselineEngine(policy, "cuda")
        (chunk,) = plain.infer_batch(requests[:1])
        noise = requests[0].noise
        self.check("full, baseline", chunk.actions, wanted[0], noise, torch.float32)
        plain.close()

    def test_the_same_again(self) -> None:
        """A replay must not depend on what was computed before it."""
        policy = tiny()
        engine = TorchCudaEngine(policy)
        one, other = example(policy, 1), example(policy, 2)
        first = engine.infer_batch([one])[0].actions
        kept = first.copy()
        engine.infer_batch([other])
        np.testing.assert_array_equal(first, kept, "an answer is its receiver's own")
        np.testing.assert_array_equal(engine.infer_batch([one])[0].actions, kept)
        engine.close()

    def test_batches(self) -> None:
        """Whoever shares a batch must get the answer that they would get without company."""
        policy = tiny()
        engine = TorchCudaEngine(policy, dtype=torch.float32, max_batch=4)
        requests = [
            example(policy, 0), example(policy, 1, dropped=1),
            example(policy, 2, game="1", cfg_scale=2.0), example(policy, 3, game="2"),
        ]  # fmt: skip
        for count in (4, 1, 3, 4):
            together = engine.infer_batch(requests[:count])
            for request, chunk in zip(requests, together, strict=False):
                wanted = reference(policy, request)
                self.assertLess(relative(chunk.actions, wanted), BARS[torch.float32])
        engine.close()

    def test_prefixes(self) -> None:
        """A chunk has to contain what is being played already."""
        policy = tiny()
        engine = TorchCudaEngine(policy, dtype=torch.float32)
        kept = prefix(policy, 5)
        (joined,) = engine.infer_batch([example(policy, 0, prefix=kept)])
        (free,) = engine.infer_batch([example(policy, 0)])
        self.assertLess(np.abs(joined.actions[:5] - kept.actions[:5]).max(), 1e-5)
        self.assertGreater(np.abs(joined.actions[5:] - free.actions[5:]).max(), 1e-6)
        engine.close()

    def test_fused_kernels(self) -> None:
        """torch.compile may reorder sums, not change answers; whatever it cannot do raises."""
        if why := hindrance():
            self.skipTest(why)
        policy = tiny()
        for dtype in BARS:
            engine = TorchCudaEngine(policy, dtype=dtype, fused=True)
            engine.warm_up_all()
            for number in range(2):
                request = example(policy, number)
                (chunk,) = engine.infer_batch([request])
                wanted = reference(policy, request)
                self.check(f"tiny, fused, {dtype}", chunk.actions, wanted, request.noise, dtype)
            self.assertIn("fused", engine.info.device)
            engine.close()


class Manners(OnACard):
    """What it says of itself, and what it leaves behind."""

    def test_times(self) -> None:
        """The parts must add up to what the caller waits for."""
        policy = tiny()
        engine = TorchCudaEngine(policy)
        (first,) = engine.infer_batch([example(policy)])
        self.assertIn("capture", first.seconds)
        began = time.perf_counter()
        (chunk,) = engine.infer_batch([example(policy)])
        waited = time.perf_counter() - began
        self.assertEqual(set(chunk.seconds), {"preprocess", "vision", "sampler", "transfer"})
        self.assertGreater(chunk.seconds["vision"], 0)
        self.assertGreater(chunk.seconds["sampler"], 0)
        self.assertLessEqual(chunk.total_seconds, waited * 1.01)
        engine.close()

    def test_closing_frees_the_card(self) -> None:
        """The next policy may need all of it."""
        policy = bare_policy("full")
        gc.collect()
        torch.cuda.empty_cache()
        before = torch.cuda.memory_reserved()
        engine = TorchCudaEngine(policy)
        engine.warm_up()
        self.assertGreater(torch.cuda.memory_reserved() - before, 8e8, "weights in bfloat16")
        engine.close()
        engine.close()
        gc.collect()
        torch.cuda.empty_cache()
        self.assertLess(torch.cuda.memory_reserved() - before, LEFT_BYTES)
        with self.assertRaisesRegex(InferenceFailed, "the engine is closed"):
            engine.infer_batch([example(policy)])

    def test_too_little_memory(self) -> None:
        """It must be told from other failures: another device may have room."""
        policy = bare_policy("full")
        total = torch.cuda.get_device_properties(0).total_memory
        gc.collect()
        torch.cuda.empty_cache()
        used = torch.cuda.memory_reserved()
        torch.cuda.set_per_process_memory_fraction((used + 2**28) / total)
        try:
            with self.assertRaises(torch.OutOfMemoryError) as caught:
                TorchCudaEngine(policy)
            self.assertIsInstance(failure("torch on cuda", caught.exception), OutOfMemory)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)
            torch.cuda.empty_cache()
        small = bare_policy("tiny")
        engine = TorchCudaEngine(small)
        self.assertGreater(engine.warm_up(), 0, "the card is as good as before")
        engine.close()

    def test_weights_that_are_not_numbers(self) -> None:
        """A damaged checkpoint must end as an error, not as an arbitrary pad state."""
        policy = bare_policy("tiny")
        with torch.no_grad():
            next(policy.action_decoder.parameters()).fill_(float("nan"))
        engine = TorchCudaEngine(policy)
        with self.assertRaisesRegex(InferenceFailed, "not finite"):
            engine.infer_batch([example(policy)])
        engine.close()

    def test_one_loads_while_another_plays(self) -> None:
        """A capture must not be spoiled by another session's chunk, nor spoil it."""
        policy, request = tiny(), example(tiny())
        wanted = reference(policy, request)
        playing = TorchCudaEngine(policy, dtype=torch.float32)
        playing.infer_batch([request])
        errors, faults, done = [], [], threading.Event()

        def play() -> None:
            while not done.is_set():
                try:
                    (chunk,) = playing.infer_batch([request])
                except InferenceFailed as error:
                    faults.append(error)
                    return
                errors.append(relative(chunk.actions, wanted))

        player = threading.Thread(target=play)
        player.start()
        try:
            for seed in range(5):
                other = tiny(seed)
                loading = TorchCudaEngine(other, dtype=torch.float32)
                (chunk,) = loading.infer_batch([request])
                error = relative(chunk.actions, reference(other, request))
                self.assertLess(error, BARS[torch.float32])
                loading.close()
        finally:
            done.set()
            player.join()
        self.assertEqual(faults, [])
        self.assertGreater(len(errors), 0)
        self.assertLess(max(errors), BARS[torch.float32])
        playing.close()

    def test_one_card_only(self) -> None:
        """Other cards belong to others."""
        engine = TorchCudaEngine(tiny())
        engine.warm_up()
        for number in range(1, torch.cuda.device_count()):
            self.assertEqual(torch.cuda.memory_reserved(number), 0)
        self.assertIn(torch.cuda.get_device_name(0), engine.info.device)
        engine.close()


if __name__ == "__main__":
    unittest.main()
