"""How controllers on screen look."""
