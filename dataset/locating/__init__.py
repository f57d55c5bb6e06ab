"""Which controller is where in a video."""
