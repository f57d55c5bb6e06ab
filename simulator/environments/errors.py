"""What can go wrong in an environment.

SimulatorError
├── UnknownTask     there is no task or game of that name
├── BadSize         a picture of no size, or of one that nobody can look at
├── BadAction       an action of the wrong shape or type, or one that is no number
├── NoEpisode       a step before the first reset, after the end, or of a void episode
└── NotPlayable     the game cannot be started here, or not be held
    └── UntestedVersion  the game was not tried in the version that is installed
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class SimulatorError(NitroPilotError):
    """Any failure of an environment."""

    code = "simulator_failed"


class UnknownTask(SimulatorError):
    """There is no task or game of that name."""

    code = "unknown_task"


class BadSize(SimulatorError):
    """The observation cannot have that size."""

    code = "bad_size"


class BadAction(SimulatorError):
    """Not an action of the environment's space; nothing was pressed."""

    code = "bad_action"


class NoEpisode(SimulatorError):
    """No episode is running: ``reset`` begins one."""

    code = "no_episode"


class NotPlayable(SimulatorError):
    """The game is not installed, shows no window, or cannot be held."""

    code = "not_playable"


class UntestedVersion(NotPlayable):
    """What its judge reads may mean something else there."""

    code = "untested_version"
