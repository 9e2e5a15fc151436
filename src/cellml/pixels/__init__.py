"""Segmentation without gradients: features of every pixel, and classifiers that are fitted in seconds."""
