"""Controllers of a look that no template has, read by a network that is trained on made-up ones."""
