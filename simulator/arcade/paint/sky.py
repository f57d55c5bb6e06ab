"""One colour that others know: it is here so that they need no pygame for it."""

SKY = (92, 148, 220)
"""The sky over the stroll, by which ``doctor`` knows its picture."""
