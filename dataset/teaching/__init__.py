"""Trains networks that read controllers of unknown skins."""
