"""A data set of our own: play that others bring, with a controller drawn over it, labelled."""
