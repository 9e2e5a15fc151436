"""Prediction of whole volumes with a trained checkpoint."""
