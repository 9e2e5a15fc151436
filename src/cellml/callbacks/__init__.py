"""Lightning callbacks: the checkpoint contract, progress, and the simulated answer as a metric."""
