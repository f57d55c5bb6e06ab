"""What is written of a video."""
