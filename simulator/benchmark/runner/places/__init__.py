"""Where episodes are played: this machine, or those of a Ray cluster."""
