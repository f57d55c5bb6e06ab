"""Golden traces: real plays, fed back through everything between screen, clock and pad."""
