"""The Jacobian of a step against finite differences of its residual."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.engine.step import bdf2, euler
from cellml.sim.verification.balls import icosahedral_ball

MODEL = """
species:
  A: {in: "*", D: {value: 2, unit: um^2/s}, initial: {value: 3, unit: molecule/um^3}}
  B: {in: "*", D: {value: 1, unit: um^2/s}, initial: {value: 1, unit: molecule/um^3}}
  X: {on: membrane, initial: {value: 5, unit: molecule/um^2}}
parameters:
  K: {value: 2, unit: molecule/um^3}
  v: {value: 3, unit: molecule/um^3/s}
  k: {value: 0.4, unit: um^3/(molecule*s)}
  u: {value: 0.1, unit: um^2/(molecule*s)}
  w: {value: 1, unit: 1/s}
reactions:
  - {name: pump, in: "*", equation: A -> 2 B, rate: "v*hill(A, K, 2)*(1 + 0.5*sin(w*t))"}
  - {name: pair, in: "*", equation: A + B -> 0, forward: k}
  - {name: bind, on: membrane, equation: A + X -> 2 X, forward: k}
  - {name: lose, on: membrane, equation: 2 X -> B, forward: u}
"""


@pytest.mark.parametrize("lumped", [False, True])
@pytest.mark.parametrize("c", [euler(0.1), bdf2(0.1, 0.07)], ids=["euler", "bdf2"])
def test_jacobian_is_the_derivative_of_the_residual(model_of, stepper_of, lumped, c):
    stepper = stepper_of(icosahedral_ball(1000.0, 1), model_of(MODEL + ("lumped: true\n" if lumped else "")))
    rng = np.random.default_rng(1)
    y = rng.uniform(0.5, 4.0, stepper.system.size)
    old, d = y + rng.normal(0.0, 0.1, len(y)), rng.normal(0.0, 0.1, len(y))

    def residual(state):
        return stepper.residual(state, old, d, 0.3, c, None)

    h = 1e-5
    columns = [(residual(y + h * e) - residual(y - h * e)) / (2 * h) for e in np.eye(len(y))]
    ours = stepper.matrix(y, 0.3, c).toarray()
    assert np.abs(ours - np.array(columns).T).max() < 1e-8 * np.abs(ours).max()


def test_newton_converges_quadratically_with_a_fresh_jacobian(model_of, stepper_of):
    stepper = stepper_of(icosahedral_ball(1000.0, 1), model_of(MODEL))
    y0 = stepper.system.initial(stepper.values)
    y, d, c, sizes = y0.copy(), np.zeros_like(y0), euler(0.3), []
    for _ in range(6):
        step = np.linalg.solve(stepper.matrix(y, 0.3, c).toarray(), -stepper.residual(y, y0, d, 0.3, c, None))
        y = y + step
        sizes.append(float(np.abs(step).max()))
    useful = [s for s in sizes if s > 1e-9]
    assert len(useful) >= 3
    constants = [b / a**2 for a, b in zip(useful, useful[1:], strict=False)]
    assert max(constants) < 10 * min(constants)
    # The kept matrix of the stepper comes to the same state.
    assert np.abs(stepper.solve(y0, d, 0.3, c) - y).max() < 1e-9 * np.abs(y).max()
