"""What the tests of locating share: a small library of crude skins, and its points."""

from __future__ import annotations

import pytest

from nitropilot.dataset.locating.locate import Locator, locator
from nitropilot.dataset.templates.template import Template
from tests.dataset.locating.making import BLUE, DARK, LOOKALIKE, OUTLINE, skin


@pytest.fixture(scope="session")
def library() -> dict[str, Template]:
    """Crude skins by name; ``lookalike`` is ``dark`` with other letters on its buttons."""
    looks = {"dark": DARK, "blue": BLUE, "outline": OUTLINE, "lookalike": LOOKALIKE}
    return {name: skin(name, look) for name, look in looks.items()}


@pytest.fixture(scope="session")
def ready(library: dict[str, Template]) -> Locator:
    """Ready to look for them."""
    return locator(library.values())
