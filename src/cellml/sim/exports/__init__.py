"""Handing a model over to other programs: FEniCSx, SMART, STEPS, MCell and VCell."""
