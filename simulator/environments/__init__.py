"""Games as Gymnasium environments: one RGB frame in, a gamepad action out."""
