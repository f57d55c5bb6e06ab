"""Five small games of our own, for machines without any other: real windows, real pads."""
