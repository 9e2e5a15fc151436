"""The bulk–surface engine: P1 finite elements for reacting and diffusing species in compartments and on membranes."""
