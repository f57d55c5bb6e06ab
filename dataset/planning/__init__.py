"""Work lists out of sidecars, and what working them off costs."""
