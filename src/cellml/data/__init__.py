"""Data sets: where they come from, whether they are sound, and how training sees them."""
