"""Populations of shapes: simulated in parallel, related to their form, set against idealised shapes, and predicted by a surrogate."""
