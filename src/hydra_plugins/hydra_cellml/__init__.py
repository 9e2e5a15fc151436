"""cellml's launchers and sweeper, where Hydra looks for plugins; what they do stands in `cellml.sweeps`."""
