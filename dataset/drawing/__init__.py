"""A controller in any state, as it stands in a video."""
