"""Tests that need a CUDA card: ``make test-gpu``.

They are ``unittest`` tests, which pytest runs too, because a rented card comes with torch,
numpy and safetensors and nothing else: no module here may import another package, nor one
of ours that does.  Without a card they are skipped and say so.
"""
