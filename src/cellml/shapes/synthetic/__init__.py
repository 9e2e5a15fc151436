"""Cells that were never imaged, as a microscope would show them, with their labels."""
