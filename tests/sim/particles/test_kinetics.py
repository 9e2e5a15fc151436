from __future__ import annotations

import pytest

from cellml.sim.errors import SimulationError
from cellml.sim.particles.kinetics import channels

SPECIES = """\
species:
  A: {in: "*", D: {value: 1, unit: um^2/s}}
  B: {in: "*", D: {value: 1, unit: um^2/s}}
  X: {on: membrane}
parameters:
  k: {value: 2, unit: 1/s}
  P: {value: 3, unit: um/s}
  J: {value: 4, unit: molecule/um^2/s}
  k2: {value: 5, unit: um^3/molecule/s}
reactions:
"""


def of(model_of, reaction: str):
    """Channels as (constant, reactants, products)."""
    model = model_of(SPECIES + f"  - {{name: r, {reaction}}}\nsteady: true\n")
    return [(float(c.constant.evaluate(model.values())), dict(c.reactants), dict(c.products)) for c in channels(model)]


def test_each_direction_of_mass_action_is_a_channel(model_of):
    assert of(model_of, 'in: "*", equation: 2 A <-> B, forward: k2, backward: k') == [(5.0, {"A": 2}, {"B": 1}), (2.0, {"B": 1}, {"A": 2})]
    assert of(model_of, "on: membrane, equation: A -> X, forward: P") == [(3.0, {"A": 1}, {"X": 1})]


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [
        ("equation: A <-> B, rate: P*(A - B)", [(3.0, {"A": 1}, {"B": 1}), (3.0, {"B": 1}, {"A": 1})]),
        ("equation: 0 <-> A, rate: J - P*A", [(3.0, {"A": 1}, {}), (4.0, {}, {"A": 1})]),
        ("equation: 0 -> A, rate: k*X", [(2.0, {"X": 1}, {"X": 1, "A": 1})]),
        ("equation: 0 -> A, rate: J", [(4.0, {}, {"A": 1})]),
    ],
)
def test_rates_that_are_linear_fall_into_channels(model_of, reaction, expected):
    assert of(model_of, f"on: membrane, {reaction}") == expected


@pytest.mark.parametrize(
    ("reaction", "message"),
    [
        ("equation: A -> 0, rate: P*A*A/(A + B)", "is not proportional to A"),
        ("equation: A -> 0, rate: J", "does not vanish where what it uses up is gone"),
        ("equation: A -> 0, rate: P*B", "does not vanish where what it uses up is gone"),
        ("equation: A -> X, forward: 'P*hill(X, X, 1)'", "depends on species"),
    ],
)
def test_other_rates_are_refused_with_file_and_line(model_of, reaction, message):
    with pytest.raises(SimulationError, match=rf"m\.yaml:11: single molecules react by the law of mass action.*{message}.*`forward`"):
        of(model_of, f"on: membrane, {reaction}")


def test_a_constant_that_turns_negative_is_refused(model_of):
    (channel,) = channels(model_of(SPECIES + "  - {name: r, on: membrane, equation: A -> X, forward: P*(1 - t*k)}\nsteady: true\n"))
    assert channel.at({"P": 3.0, "k": 2.0, "t": 0.25}, 2).tolist() == [1.5, 1.5]
    with pytest.raises(SimulationError, match=r"m\.yaml:11: the rate of 'r' is -3 .* at t = 1 s"):
        channel.at({"P": 3.0, "k": 2.0, "t": 1.0}, 2)
