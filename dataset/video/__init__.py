"""Frames as the codec has them, with their times."""
