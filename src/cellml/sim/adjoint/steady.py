"""The adjoint of a steady state.

Steady equations leave conserved totals open; these are set by the initial state, wₖᵀ y = wₖᵀ y₀ + cₖᵀ b. The multipliers solve the
transpose of the bordered system of `cellml.sim.engine.bordered`,

    [ Jᵀ  W ] [ λ ]   [ ∂g/∂y ]
    [ Cᵀ  0 ] [ μ ] = [   0   ],

and dJ/dp = ∂g/∂p − λᵀ ∂F/∂p + Σ μₖ d(wₖᵀy₀ + cₖᵀb − wₖᵀy)/dp.
"""

from __future__ import annotations

import numpy as np

from cellml.sim.adjoint.collect import collect_held, collect_initial, collect_release, collect_step
from cellml.sim.adjoint.gradient import Gradient
from cellml.sim.adjoint.sweep import Transposed
from cellml.sim.engine.bordered import STEADY, bordered
from cellml.sim.engine.invariants import Invariant
from cellml.sim.engine.step import Stepper
from cellml.sim.engine.system import Vector


def steady_gradient(
    stepper: Stepper, kept: tuple[Invariant, ...], start: Vector, final: Vector, cotangent: Vector, gradient: Gradient, *, released: bool
) -> Gradient:
    """Collect the gradient of a function of a steady state.

    kept: the conserved totals; start, final: (N,) initial and steady state; cotangent: (N,) ∂g/∂y; released: whether the model released
    molecules on the way.
    """
    system, free = stepper.system, stepper.conditions.free
    multiplier = np.zeros(system.size)
    multiplier[free], shares = bordered(stepper, kept, final).solve_transposed(cotangent[free])
    still = np.zeros_like(final)
    collect_step(gradient, stepper, multiplier, final, still, 0.0, 1.0)
    collect_held(gradient, stepper, cotangent - Transposed(stepper, final, 0.0, STEADY)(multiplier), 0.0)
    worth = np.zeros(system.size)  # of one molecule more at the beginning, by unknown
    for total, share in zip(kept, shares, strict=True):
        for name, coefficient in total.coefficients.items():
            part = system.slices[name]
            worth[part] += share * coefficient
            if gradient.with_shape:
                gradient.seed(system.model.species[name].place).add_weights(share * coefficient * (start[part] - final[part]))
    if released:
        collect_release(gradient, worth)
    gradient.initial = worth * system.weights
    collect_initial(gradient, stepper)
    return gradient
