"""Volumes larger than memory: predicted, decoded, scored and meshed block by block, each part done once and remembered."""
