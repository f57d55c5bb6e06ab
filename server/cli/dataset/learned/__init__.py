"""Made-up controllers, and the networks that learn from them."""
