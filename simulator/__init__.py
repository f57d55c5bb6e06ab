"""Games to play in: the catalogue of known ones, the built-in arcade, and Gymnasium environments.

    import gymnasium
    import nitropilot.simulator

    env = gymnasium.make("NitroPilot/Runner-v0")

Importing this package tells Gymnasium of the environments, where it is installed.  The commands of
``nitropilot`` need none of them, and do without the time that Gymnasium takes to be loaded.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
"""Its greeting would stand before what ``--json`` prints."""

if "gymnasium" in sys.modules or (
    "nitropilot.server" not in sys.modules and find_spec("gymnasium")
):
    from nitropilot.simulator.environments.registration import register

    register()
