"""SuperTux: a platformer that prints what its levels' scripts say."""
