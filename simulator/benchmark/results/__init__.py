"""A result is a folder: what was run, a record an episode, and the pad traces (docs/results.md)."""
