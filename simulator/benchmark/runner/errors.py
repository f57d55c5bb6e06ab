"""What can be wrong with what was asked of the runner.

SimulatorError
├── UnknownSuite      there is no suite of that name, or nothing in it can be played
├── BadRun            seeds, episodes or other wishes that do not fit together
├── CannotInstall     a game's packages cannot be installed from here
└── RunFailed         the machine does not let us run: a process cannot be started
    └── PlaceLost     one machine of several is lost; the others go on
"""

from __future__ import annotations

from nitropilot.simulator.environments.errors import SimulatorError


class UnknownSuite(SimulatorError):
    """There is no suite of that name, or nothing in it that can be played."""

    code = "unknown_suite"


class BadRun(SimulatorError):
    """Wishes that do not fit together."""

    code = "bad_run"


class CannotInstall(SimulatorError):
    """The packages of a game cannot be installed from here, or were not."""

    code = "cannot_install"


class RunFailed(SimulatorError):
    """The machine does not let the benchmark run; what is recorded stays."""

    code = "run_failed"


class PlaceLost(RunFailed):
    """A machine, or what played on it, is lost; what it was playing is played again."""
