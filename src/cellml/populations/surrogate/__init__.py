"""A network that predicts what a simulation would answer, says how sure it is, and which shape to simulate next."""
