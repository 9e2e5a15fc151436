"""New shapes from trained models: `cellml generate`, and what it shares with `cellml morph`."""
