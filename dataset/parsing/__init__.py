"""Controllers of a look that no template has are read by a network."""
