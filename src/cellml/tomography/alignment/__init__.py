"""Tilt series aligned without fiducials: neighbours by correlation, then all projections against their own reconstruction."""
