"""What can go wrong while the pocket policy is made.

PocketError    the folder holds another run, or a process failed
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class PocketError(NitroPilotError):
    """The pocket policy cannot be made."""
