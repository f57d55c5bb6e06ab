"""The version, in the one place that the packaging reads it from."""

__version__ = "0.1.0"
