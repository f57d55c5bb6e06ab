"""The benchmark: who plays which task how well, kept in a form that others can check."""
