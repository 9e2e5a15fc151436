"""Parameters of a model from measured time courses, with honest uncertainty."""
