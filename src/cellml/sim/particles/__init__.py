"""Single molecules: Brownian dynamics and the reaction–diffusion master equation on the mesh and model file of the finite elements."""
