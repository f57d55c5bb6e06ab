"""With ``NITROPILOT_REQUIRE=all`` a test skips for reasons of ``tests/may_skip.toml`` alone.

What a package brings has to be there then: without that, a browser or an engine that is
missing would leave continuous integration green, with the tests of it undone.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

VARIABLE = "NITROPILOT_REQUIRE"
LIST = "tests/may_skip.toml"


@dataclass(frozen=True)
class Allowed:
    """A reason to skip that stands.

    Attributes:
        reason: The whole reason, as a regular expression.
        lacks: What this machine lacks, or has too much, that no package changes.
    """

    reason: str
    lacks: str


def read_allowed(path: Path) -> list[Allowed]:
    """The reasons of the list."""
    return [Allowed(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["skip"]]


def is_allowed(reason: str, allowed: list[Allowed]) -> bool:
    """Whether a test may skip for that."""
    return any(re.fullmatch(one.reason, reason, re.DOTALL) for one in allowed)


def pytest_configure(config: pytest.Config) -> None:
    """A misspelt word would require nothing and say nothing."""
    value = os.environ.get(VARIABLE, "")
    if value not in ("", "all"):
        raise pytest.UsageError(f"{VARIABLE} is {value!r}: use all, or leave it out")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip of a test, a fixture or a mark."""
    report = yield
    if not hasattr(report, "wasxfail"):
        judge(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A skip of a whole module."""
    report = yield
    judge(report, collector.config)
    return report


def judge(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    """Make a failure of a skip that may not be."""
    if not report.skipped or os.environ.get(VARIABLE, "") != "all":
        return
    reason = reason_of(report.longrepr)
    if not is_allowed(reason, read_allowed(config.rootpath / LIST)):
        report.outcome = "failed"
        report.longrepr = f"skipped, and {LIST} has no such reason: {reason}"


def reason_of(longrepr: Any) -> str:
    """Why it was skipped."""
    text = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
    return text.partition("Skipped: ")[2] or text
