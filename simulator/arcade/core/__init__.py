"""What all games of the arcade are made of: the pad in whole numbers, a world, whole-number maths."""
