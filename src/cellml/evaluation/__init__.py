"""Judging a prediction by the physical answer computed in it."""
