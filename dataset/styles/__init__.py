"""Samples of made-up controllers that learned readers train on."""
