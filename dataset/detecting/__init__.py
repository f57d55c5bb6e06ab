"""Controllers of a look that no template has are found by a network."""
