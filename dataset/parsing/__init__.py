"""Reads controllers of unknown skins: what is pressed is learned from made-up ones."""
