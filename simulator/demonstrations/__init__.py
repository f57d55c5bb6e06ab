"""Games' own scripts play, and are recorded as a person is: what training learns from."""
