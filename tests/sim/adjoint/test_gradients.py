from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cellml.sim.adjoint.cases import BDF2, EULER, MODEL, gradient_rows
from cellml.sim.analytic import ball, box
from cellml.sim.errors import SimulationError
from cellml.sim.model_file import parse_model
from cellml.sim.simulator import Simulator

STEADY = """
species:
  A: {in: "*", D: {value: 10, unit: um^2/s}, initial: {value: 1, unit: uM}}
  X: {on: membrane, D: {value: 1, unit: um^2/s}, initial: {value: 300, unit: molecule/um^2}}
  B: {on: membrane}
parameters:
  k_on: {value: 1, unit: 1/(uM*s)}
  k_off: {value: 0.1, unit: 1/s}
reactions:
  - {name: bind, on: membrane, equation: A + X <-> B, forward: k_on, backward: k_off}
releases:
  - {of: A, at: membrane, amount: {value: 1000, unit: molecule}}
steady: true
observables:
  - {type: amount, of: A}
"""


def scalar(value: float, *, leaf: bool = False) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64, requires_grad=leaf)


def build(text: str, mesh=None) -> Simulator:
    return Simulator(ball(1000.0, 1) if mesh is None else mesh, parse_model(text, Path("m.yaml")))


@pytest.mark.parametrize("when", [BDF2, f"{EULER}\nlumped: true"])
def test_every_input_has_the_gradient_that_differences_have(when):
    rows = gradient_rows(when, refinements=1)
    assert {"k_on", "D_A", "D_B", "A_initial", "X0", "A_released", "J", "initial field", "node coordinates"} <= {row.kind for row in rows}
    for row in rows:
        assert row.error < 1e-6, row
        assert row.taylor_order == pytest.approx(2.0, abs=0.1), row


def test_a_held_concentration_has_a_gradient():
    text = """
species:
  A: {in: "*", D: {value: 1, unit: um^2/s}}
parameters:
  c: {value: 2, unit: uM}
  k: {value: 3, unit: 1/s}
fixed:
  - {of: A, on: cut_z0, value: c}
reactions:
  - {in: "*", equation: A -> 0, rate: k*A}
time: {end: {value: 1, unit: s}, steps: 5}
observables:
  - {type: amount, of: A}
"""
    simulator = build(text, box((500.0, 500.0, 1000.0), (2, 2, 4), cuts=("z0",)))
    c = scalar(simulator.model.values()["c"], leaf=True)
    amount = simulator({"c": c}).courses["A_amount_final"][-1]
    amount.backward()
    assert c.grad.item() * c.item() == pytest.approx(amount.item(), rel=1e-9)  # linear in what is held


def test_steady_states_keep_their_totals_and_have_gradients():
    simulator = build(STEADY)
    values = simulator.model.values()
    leaves = {name: scalar(v, leaf=True) for name, v in values.items()}
    amount = simulator(leaves).courses["A_amount_final"][-1]
    amount.backward()
    for name in ("k_on", "k_off", "A_initial", "X_initial", "A_released"):
        h = 1e-4 * values[name]
        up, down = (float(simulator({name: scalar(values[name] + s * h)}).courses["A_amount_final"]) for s in (1, -1))
        assert float(leaves[name].grad) == pytest.approx((up - down) / (2 * h), rel=1e-6)
    assert abs(leaves["D_A"].grad.item()) < 1e-8 * amount.item()  # a well-mixed steady state does not depend on diffusion


def test_steady_shape_gradient_agrees_with_a_difference():
    simulator = build(STEADY)
    points = torch.tensor(simulator.mesh.points, requires_grad=True)
    simulator(points=points).courses["A_amount_final"][-1].backward()
    shift = np.random.default_rng(1).standard_normal(simulator.mesh.points.shape) * 0.5
    up, down = (float(simulator(points=torch.tensor(simulator.mesh.points + s * shift)).courses["A_amount_final"]) for s in (1, -1))
    assert float((points.grad.numpy() * shift).sum()) == pytest.approx((up - down) / 2, rel=1e-5)


def test_a_simulation_trains_a_rate():
    """A loss falls to nothing by gradient descent, and the rate that made the data is found."""
    text = MODEL % EULER
    truth = build(text)
    target = truth().courses["B_mean_final"].detach()
    text = text.replace("k_on: {value: 1,", "k_on: {value: 3,")
    learner = Simulator(truth.mesh, parse_model(text, Path("m.yaml")), parameters=["k_on"])
    optimiser = torch.optim.LBFGS(learner.parameters(), lr=1.0, max_iter=20, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        distance = (learner().courses["B_mean_final"] - target).square().sum()
        distance.backward()
        return distance

    optimiser.step(loss)
    assert learner.trained["k_on"].exp().item() == pytest.approx(truth.model.values()["k_on"], rel=1e-4)


def test_what_has_no_gradient_is_refused():
    with pytest.raises(SimulationError, match=r"m\.yaml:\d+.*imex"):
        build(MODEL % "time: {end: {value: 1, unit: s}, steps: 5, scheme: imex}")
    with pytest.raises(SimulationError, match=r"no parameter 'k_onn'"):
        Simulator(ball(1000.0, 1), parse_model(MODEL % EULER, Path("m.yaml")), parameters=["k_onn"])
    with pytest.raises(SimulationError, match="neither a parameter nor a species"):
        build(MODEL % EULER)({"nothing": torch.tensor(1.0)})
    with pytest.raises(SimulationError, match="nothing to differentiate"):
        build("species: {A: {in: '*'}}\nobservables: [{type: volume}]")
