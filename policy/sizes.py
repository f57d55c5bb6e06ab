"""Sizes that the architecture fixes.  Knowing them takes no library."""

PATCH = 16
"""Side of the squares, in pixels, that the vision encoder cuts a picture into."""
