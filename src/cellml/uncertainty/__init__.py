"""How sure a prediction is: committees of networks, calibration, and geometries drawn from probabilities."""
