"""How good a model of shapes is: against shapes that it has not seen, and against controls that have learned nothing."""
