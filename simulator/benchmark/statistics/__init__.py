"""Intervals, bootstraps and paired tests: plain numbers in, plain numbers out."""
