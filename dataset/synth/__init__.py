"""Videos whose truth is known."""
