"""Fixtures of the policy's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tests.policy.checkpoints import micro_weights, write_pt
from tests.policy.samples import NAMES, fixture_policy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import Tensor

    from nitropilot.policy.network.policy import Policy


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine slow networks this small 50 times."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def policies() -> dict[str, Policy]:
    """The policies of the four references, loaded once; tests leave them as they are."""
    return {name: fixture_policy(name) for name in NAMES}


@pytest.fixture(scope="session")
def single(policies: dict[str, Policy]) -> Policy:
    """One frame, no games."""
    return policies["single_frame"]


@pytest.fixture(scope="session")
def gamer(policies: dict[str, Policy]) -> Policy:
    """Two frames and three games."""
    return policies["two_frames_game"]


@pytest.fixture(scope="session")
def weights() -> dict[str, Tensor]:
    """Weights of the micro checkpoint; tests replace entries of a copy, never in place."""
    return micro_weights()


@pytest.fixture
def pt(tmp_path: Path, weights: dict[str, Tensor]) -> Path:
    """A sound micro checkpoint."""
    return write_pt(tmp_path / "micro.pt", weights)
