"""Electron tomography: tilt series to volumes, the missing wedge, and what of a volume was measured."""
