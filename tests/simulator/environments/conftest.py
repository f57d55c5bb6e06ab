"""A game that says what it sees in each frame."""

from __future__ import annotations

from tests.controller.hand.conftest import compiled as compiled
from tests.controller.hand.conftest import start_frames as start_frames
