"""A plugin of pytest's: where several processes run the tests, files that take long begin first.

One that began last would have a process to itself while the others have nothing to do.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files marked ``long``, then those with the most tests."""
    if not hasattr(config, "workerinput"):
        return
    tests = Counter(item.path for item in items)
    items.sort(
        key=lambda item: (item.get_closest_marker("long") is None, -tests[item.path], item.path)
    )
