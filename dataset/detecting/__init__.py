"""Controllers of a look that no template has, found by a network that is trained on made-up ones."""
