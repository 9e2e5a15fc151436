"""Organelles in cells: how many, how large, of which shape and where, learned from examples; and cells filled without any overlap."""
