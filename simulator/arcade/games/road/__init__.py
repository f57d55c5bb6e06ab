"""Road, the driving game: keep the gas down, overtake, stay on the tarmac."""
