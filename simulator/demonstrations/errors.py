"""What can go wrong while a script is recorded.

NoDemonstration    there is no such script, it does not win, or nothing can be written
"""

from __future__ import annotations

from nitropilot.errors import NitroPilotError


class NoDemonstration(NitroPilotError):
    """A game's script cannot be recorded."""

    code = "no_demonstration"
