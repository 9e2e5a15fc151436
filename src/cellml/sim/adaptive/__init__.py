"""Adaptive finite elements: solve, estimate, mark, refine."""
