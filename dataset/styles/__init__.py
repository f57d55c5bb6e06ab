"""Made-up controllers of many looks, and the samples that learned readers train on."""
