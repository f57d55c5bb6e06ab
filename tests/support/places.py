"""Where things lie in the checkout, for tests in whatever folder."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout."""
POLICIES = ROOT / "tests" / "policy" / "fixtures"
"""The reference checkpoints."""
