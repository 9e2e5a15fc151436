from __future__ import annotations

from pathlib import Path

import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import Located, locate
from cellml.sim.exports.mass_action import steps_of
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

MODEL = """
parameters:
  k: {{value: 2, unit: 1/s}}
  q: {{value: 4, unit: um^3/(molecule*s)}}
  K: {{value: 5, unit: molecule/um^3}}
species:
  A: {{in: cytosol, initial: {{value: 1, unit: uM}}}}
  B: {{in: cytosol}}
reactions:
  - {{name: r, in: cytosol, {reaction}}}
observables: [{{type: amount, of: A}}]
steady: true
"""


def model(mesh: TetMesh, reaction: str) -> Located:
    return locate(mesh, parse_model(MODEL.format(reaction=reaction), Path("m.yaml")))


def test_both_directions_are_steps(located: Located) -> None:
    steps = {s.name: s for s in steps_of(located, "STEPS")}
    assert list(steps) == ["buffer", "buffer_back", "load", "turn", "leak", "leak_back", "influx", "bind", "bind_back"]
    assert steps["buffer"].reactants == steps["buffer_back"].products == {"Ca": 1, "B": 1}
    assert steps["buffer"].constant == located.model.parameters["k_on"].quantity.base and steps["buffer"].order == 2
    assert steps["influx"].order == 0 and steps["leak_back"].reactants == {"Ca": 1}


@pytest.mark.parametrize(
    ("reaction", "constant"),
    [
        ('equation: "A + B -> 0", rate: q*A*B', 4.0),
        ('equation: "A + B -> 0", rate: B*A*q/2*3', 6.0),
        ('equation: "2 A -> B", rate: q*A**2', 4.0),
        ('equation: "2 A -> B", rate: A*q*A', 4.0),
        ('equation: "A -> B", rate: A*k**2/k', 2.0),
        ('equation: "A -> B", rate: A*q*K', 20.0),
    ],
)
def test_products_of_a_constant_and_the_reactants_count(mesh: TetMesh, reaction: str, constant: float) -> None:
    (step,) = steps_of(model(mesh, reaction), "STEPS")
    assert step.constant == pytest.approx(constant)


@pytest.mark.parametrize(
    "reaction",
    [
        'equation: "A -> B", rate: k*A*K/(A + K)',
        'equation: "A -> B", rate: k*K',
        'equation: "A -> B", rate: q*A*B',
        'equation: "2 A -> B", rate: k*A',
        'equation: "A -> B", rate: "min(k*A, k*B)"',
        'equation: "A -> B", rate: k*A - k*B',
    ],
)
def test_other_rates_are_refused_with_their_line(mesh: TetMesh, reaction: str) -> None:
    with pytest.raises(SimulationError, match=r"m.yaml:10: the rate .* of r is not of mass action .* that STEPS knows"):
        steps_of(model(mesh, reaction), "STEPS")


def test_a_constant_that_changes_in_time_is_refused(mesh: TetMesh) -> None:
    located = model(mesh, 'equation: "A -> B", forward: "k*pulse(t, 0, 1/k)"')
    with pytest.raises(SimulationError, match=r"m.yaml:10: the rate constant .* of r changes with t; MCell needs constants"):
        steps_of(located, "MCell")


def test_steps_of_constant_zero_are_left_out(mesh: TetMesh) -> None:
    assert steps_of(model(mesh, 'equation: "A -> B", forward: 0*k'), "STEPS") == []
