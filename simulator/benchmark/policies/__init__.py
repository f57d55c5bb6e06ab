"""What may enter a benchmark: built-in players, checkpoints, servers, anybody's own function."""
