"""Arena, the combat game seen from above: aim, shoot, keep away."""
