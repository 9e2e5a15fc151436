"""Losses that return what logging reads."""
