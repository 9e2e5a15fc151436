"""Error of a goal: the dual weighted residual (Becker and Rannacher, Acta Numerica 10, 2001).

For a linear functional J, and z with a(v, z) = J(v) for all v that vanish where u is prescribed,

    J(u) − J(u_h) = R(z − z_h),        R(v) = (f, v) + ⟨q, v⟩ − a(u_h, v).

z is replaced by the dual P2 solution z₂ on the same mesh. R vanishes on P1, so that R(z₂) = Σ_e r_e d_e over edge bubbles b_e, with
r_e = R(b_e) and d_e the coefficient of z₂. |r_e d_e| says what the edge contributes (a localisation by a partition of unity, as in Richter
and Wick 2015, which needs no strong residual), and goes to the tetrahedra around it in shares of their volume. Prescribed values are
taken as those of u_h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellml.sim.adaptive.bubbles import Bubbles
from cellml.sim.adaptive.edges import Floats
from cellml.sim.adaptive.problem import Goal
from cellml.sim.adaptive.solution import Solved, on_free

# The dual solution only weighs residuals, and three digits of it are more than the estimate has.
_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class GoalEstimate:
    """A goal on one mesh.

    value: J(u_h); error: estimate of J(u) − J(u_h), with its sign; indicators: (T,) shares of Σ |r_e d_e|, which bounds |error|; dual: z₂
    at the points, (P,).
    """

    value: float
    error: float
    indicators: Floats
    dual: Floats

    @property
    def improved(self) -> float:
        """J(u_h) + error."""
        return self.value + self.error


def goal_estimate(solved: Solved, goal: Goal) -> GoalEstimate:
    """J(u_h), its estimated error, and where it comes from. One P2 solve: about eight times the unknowns of the P1 solve."""
    elements, bubbles = solved.elements, Bubbles(solved.elements)
    points = len(elements.mesh.points)
    target = bubbles.functional(goal.density, goal.facets)
    dual = np.zeros(bubbles.size)
    dual[bubbles.free] = on_free(bubbles.matrix, target, bubbles.free, tolerance=_TOLERANCE)

    residual = bubbles.load - bubbles.matrix[:, :points] @ solved.u
    contribution = (residual * dual)[points:]
    around = np.bincount(bubbles.numbers.ravel(), np.repeat(elements.volumes, 6), minlength=len(bubbles.edges))
    share = (np.abs(contribution) / around)[bubbles.numbers].sum(axis=1) * elements.volumes
    return GoalEstimate(float(target[:points] @ solved.u), float(contribution.sum()), share, dual[:points])
