"""How long it takes is measured, and what cannot be done is refused with what can."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.policy import load_policy
from nitropilot.server.errors import ImproveRefused
from nitropilot.server.improving import estimating
from nitropilot.server.improving.estimating import LEAST_STEPS, Estimate, estimate, require_possible
from nitropilot.server.improving.gathering import gather
from nitropilot.server.improving.wish import ImproveWish
from tests.training.making import recording, small_policy

if TYPE_CHECKING:
    from nitropilot.training.batch import Batch
    from nitropilot.training.trainer.stepping import Stepper

WISH = ImproveWish((), "big.safetensors", Path("models"), Path("scratch"))
FOUND = Estimate("big.safetensors", 481_000_000, 32, 32, 1.0, 1200, 60.0, 1200.0, 600.0)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording with a takeover, and a policy."""
    root = tmp_path_factory.mktemp("material")
    recording(root / "data", 0, 30, sources=["agent"] * 15 + ["human"] * 15, game="pulse")
    small_policy(root / "small.safetensors")
    return root


def test_all_of_it_is_measured(material: Path) -> None:
    """Steps of this policy at this batch, these frames, this game: each takes some time."""
    wish = replace(
        WISH, policy=str(material / "small.safetensors"), batch_size=3, steps=7, levels=2,
        limit_minutes=1e5,
    )  # fmt: skip
    found = estimate(wish, gather([material / "data"], None, False), ["pulse-1"])
    assert (found.steps, found.batch_size, found.measured_at) == (7, 3, 3)
    assert found.parameters == sum(
        each.numel() for each in load_policy(material / "small.safetensors").parameters()
    )
    assert found.training_s == pytest.approx(7 * found.step_seconds)
    assert min(found.step_seconds, found.decoding_s, found.comparing_s or 0.0) > 0
    assert found.total_s == found.training_s + found.decoding_s + (found.comparing_s or 0.0)
    assert "7 steps" in found.text


def test_a_slow_step_is_followed_from_smaller_ones(
    material: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an hour of measuring would be no estimate: 4 s and 2 s a sample are 68 s for 32."""
    sizes: list[int] = []

    def timed(_stepper: Stepper, batch: Batch) -> float:
        sizes.append(len(batch))
        return 4.0 + 2.0 * len(batch)

    monkeypatch.setattr(estimating, "_timed", timed)
    wish = replace(WISH, policy=str(material / "small.safetensors"))
    policy, device = load_policy(wish.policy), torch.device("cpu")
    at, step = estimating._step_seconds(policy, wish.config((material,)), device, 1e9)
    assert (at, max(sizes)) == (1, 1)
    assert step == 6.0 * 32
    monkeypatch.setattr(estimating, "SLOW_S", 9.0)
    at, step = estimating._step_seconds(policy, wish.config((material,)), device, 1e9)
    assert (at, max(sizes)) == (4, 4)
    assert step == pytest.approx(4.0 + 2.0 * 32)


def refused(found: Estimate, **more: object) -> tuple[str, str]:
    """What is said to such a wish."""
    with pytest.raises(ImproveRefused) as caught:
        require_possible(found, replace(WISH, **more))  # type: ignore[arg-type] # any field
    assert "\n" not in caught.value.line()
    return str(caught.value), caught.value.hint


def test_too_few_steps_name_the_minutes_that_are_enough() -> None:
    """Twenty minutes that teach nothing are twenty minutes lost."""
    require_possible(FOUND, WISH)
    message, hint = refused(replace(FOUND, step_seconds=30.0, steps=40))
    assert "481 million parameters" in message
    assert f"40 steps, and fewer than {LEAST_STEPS} teach nothing" in message
    assert hint == "give --minutes 50"
    require_possible(replace(FOUND, step_seconds=30.0, steps=100, training_s=3000.0), WISH)


def test_a_policy_that_is_too_large_names_one_that_fits() -> None:
    """The full policy on a processor: not in three hours, whatever the minutes."""
    message, hint = refused(replace(FOUND, step_seconds=400.0, steps=3))
    assert "takes 4e+02 s here" in message
    size = re.search(r"at most ([\d.e+]+) million parameters", hint)
    assert size is not None
    room = 180 * 60 - FOUND.others_s
    assert float(size[1]) == pytest.approx(481 * room / (LEAST_STEPS * 400.0), rel=0.05)
    assert "graphics card" in hint


def test_what_takes_longer_than_the_limit_names_the_minutes_that_fit() -> None:
    """Found out at the end, it would be too late."""
    message, hint = refused(replace(FOUND, training_s=12_000.0, steps=12_000))
    assert "it would take 211.0 min, of which 11.0 min are not training" in message
    assert hint.startswith("give --minutes 169")
    _, hint = refused(replace(FOUND, comparing_s=20_000.0))
    assert "fewer --levels" in hint
    assert "--minutes" not in hint


def test_memory_is_looked_at_first(material: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that swaps for an hour says nothing."""
    monkeypatch.setattr(estimating, "COPIES", 10**12)
    wish = replace(WISH, policy=str(material / "small.safetensors"))
    with pytest.raises(ImproveRefused, match=r"GiB of memory, and .* are free"):
        estimate(wish, gather([material / "data"], None, False), [])
