"""Gradients of simulated answers by the discrete adjoint: parameters, initial fields, and the shape itself."""
