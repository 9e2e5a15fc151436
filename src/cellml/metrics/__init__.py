"""Scores of segmentations, computed from statistics that merge exactly over blocks."""
