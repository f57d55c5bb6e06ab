"""Pulse, the timing game: press each lane's button when its note is on the line."""
