"""What reading players' actions off videos reaches: ``python -m benchmarks.dataset``."""
