"""What the tests of training share: two short recordings and one small policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from nitropilot.training.trainer.running import train
from tests.training.making import LORA, material_in, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``data/`` with two recordings of 40 rows, and ``small.safetensors``; not to be changed."""
    return material_in(tmp_path_factory.mktemp("training"), 40)


@pytest.fixture(scope="session")
def adapted(material: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has trained adapters (``LORA``); not to be changed."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("adapted")
    train(told(material, **LORA), folder)
    return folder


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tests beside each other on few cores: one thread each is quickest, and always the same."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
