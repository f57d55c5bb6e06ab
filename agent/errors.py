"""What can go wrong while a game is launched, attached to or played.

AgentError
├── LaunchFailed         the game could not be started or showed no window
├── GameExited           the game's process ended during play
├── GameHung             the game stopped reacting
├── NotPossibleNow       the session's state does not allow this request
├── ProtectedGame        the game has an anti-cheat system or is online only
├── NothingToSee         the window shows nothing now, or nobody can look at it
├── RecordingError       a trace or video could not be written
│   └── RecordingFull    there is no room for more of it
└── ReplayError          a session cannot be computed again
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class AgentError(NitroPilotError):
    """Any failure of a session."""

    code = "agent_failed"


class LaunchFailed(AgentError):
    """A game, or the private display for it, did not start."""

    code = "launch_failed"


class GameExited(AgentError):
    """The game's process has ended."""

    code = "game_exited"


class GameHung(AgentError):
    """The game neither answers its window system nor draws nor works."""

    code = "game_hung"


class NotPossibleNow(AgentError):
    """The request does not fit the session's state."""

    code = "not_possible_now"


class ProtectedGame(AgentError):
    """The game has an anti-cheat system or is online only: it is neither paused nor played."""

    code = "protected_game"


class NothingToSee(AgentError):
    """There is nothing to decide on just now; play waits until there is."""

    code = "nothing_to_see"


class RecordingError(AgentError):
    """A trace or a video could not be written."""

    code = "recording_failed"


class RecordingFull(RecordingError):
    """A limit of the disk, or of all recordings together, is reached."""

    code = "recording_full"


class ReplayError(AgentError):
    """A trace is damaged, is of another policy, or its frames are not there any more."""

    code = "replay_failed"
