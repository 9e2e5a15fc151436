"""From data and a machine to an experiment file that explains itself."""
