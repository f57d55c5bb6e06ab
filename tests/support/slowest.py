"""A plugin of pytest's: at the end of a run, the tests and the files that took longest."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

SHOWN = 10


class Slowest:
    """Adds up what every test's set-up, call and clean-up took, in whichever process it ran."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One more part of a test is done."""
        self.seconds[report.nodeid] += report.duration

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print them; a run of a few tests has nothing to tell."""
        if len(self.seconds) <= SHOWN:
            return
        files: dict[str, float] = defaultdict(float)
        for name, seconds in self.seconds.items():
            files[name.split("::")[0]] += seconds
        for what, found in (("tests", self.seconds), ("files", files)):
            if len(found) > SHOWN:
                terminalreporter.section(f"the {SHOWN} slowest of {len(found)} {what}")
                for name, seconds in sorted(found.items(), key=lambda item: -item[1])[:SHOWN]:
                    terminalreporter.write_line(f"{seconds:8.1f} s  {name}")
