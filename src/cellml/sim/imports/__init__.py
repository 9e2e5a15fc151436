"""Models of other programs as model files of cellml: SBML core (levels 2 and 3) and Antimony."""
