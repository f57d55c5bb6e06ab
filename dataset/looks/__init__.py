"""Made-up controllers of many looks, drawn in any state."""
