"""NitroPilot: an AI plays any PC game from its pixels through a virtual gamepad.

This package holds what every room shares: the version and the error base.
The rooms themselves are the packages ``records``, ``capture``, ``controller``,
``policy``, ``engines``, ``agent``, ``simulator`` and ``server``.
"""

from nitropilot.errors import NitroPilotError

__version__ = "0.1.0"

__all__ = ["NitroPilotError", "__version__"]
