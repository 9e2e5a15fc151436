"""Trained networks for programs other than this one: exported, described, listed."""
