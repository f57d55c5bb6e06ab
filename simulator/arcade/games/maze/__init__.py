"""Maze, the navigation game: one gem after the other, then the gate."""
