"""What is pressed in each frame."""
