"""The demonstration: every step of cellml joined, on a real piece of brain tissue."""
