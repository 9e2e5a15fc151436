"""From affinities and boundaries to objects: everything that is not a network."""
