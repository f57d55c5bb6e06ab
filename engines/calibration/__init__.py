"""Real pictures of games, to measure on what a policy computes with."""
