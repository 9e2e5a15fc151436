"""Paths between shapes, on which every shape is a certified mesh: `cellml morph`."""
