"""Games to play in: the catalogue of known ones, and the built-in arcade."""
