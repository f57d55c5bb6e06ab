"""What ``auto`` chooses against what it could have chosen: ``python -m benchmarks.auto``."""
