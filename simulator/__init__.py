"""Games to play in: so far the built-in arcade (``simulator.arcade``)."""
