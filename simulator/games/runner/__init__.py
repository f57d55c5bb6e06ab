"""The built-in runner in its window, as a stroll without an end."""
