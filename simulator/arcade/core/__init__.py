"""What all games are made of: the pad in whole numbers, a world, whole-number maths."""
