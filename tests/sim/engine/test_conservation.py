"""What must not change does not: hand examples, thousands of steps, random networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.sim.engine.trajectory import Plan
from cellml.sim.verification.balls import icosahedral_ball
from cellml.sim.verification.conservation import mass_drift

BALL = icosahedral_ball(1000.0, 1)


@pytest.mark.parametrize(
    ("equations", "expected"),
    [
        (["A + B <-> C"], {"A + C", "B + C"}),
        (["A <-> B", "B <-> C"], {"A + B + C"}),
        (["2 A <-> B"], {"A + 2 B", "C"}),
        (["A + 2 B -> 3 C"], {"A + 0.333333 C", "B + 0.666667 C"}),
        (["A -> 0"], {"B", "C"}),
        (["A -> A + B", "C -> B"], {"A"}),
        (["A + B -> C", "C -> A"], {"A + C"}),
        (["0 -> A", "A -> B", "B -> C", "C -> 0"], set()),
    ],
)
def test_totals_are_those_found_by_hand(model_of, stepper_of, equations, expected):
    text = "species:\n" + "".join(f"  {name}: {{in: '*'}}\n" for name in "ABC") + "parameters: {r: {value: 1, unit: molecule/um^3/s}}\n"
    text += "reactions:\n" + "".join(f"  - {{in: '*', equation: {e}, rate: r}}\n" for e in equations)
    stepper = stepper_of(BALL, model_of(text))
    assert {str(total) for total in stepper.kept} == expected


def test_a_species_that_is_held_conserves_nothing(model_of, stepper_of):
    text = "species: {A: {in: '*'}, B: {in: '*'}}\nreactions: [{in: '*', equation: A <-> B, forward: {value: 1, unit: 1/s}, backward: 0}]\n"
    assert len(stepper_of(BALL, model_of(text)).kept) == 1
    assert stepper_of(BALL, model_of(text + "fixed: [{of: A, on: membrane}]\n")).kept == ()


def test_direct_steps_keep_totals_to_round_off():
    drift = mass_drift(cells=1, steps=400)
    assert set(drift.totals) == {"A + AC + B", "C + AC", "X + B"}
    assert drift.largest < 1e-13
    assert len(drift.times) == 401


def test_the_totals_trade_molecules_all_the_while(model_of):
    """Conservation of what does not move would be no feat."""
    from cellml.sim.dynamics import run
    from cellml.sim.verification.reference_models import reference_model

    courses = run(BALL, reference_model("conservation", steps=100)).courses
    for name in ("A", "AC", "B"):
        assert np.ptp(courses[f"amount of {name}"].values[20:]) > 0.01 * courses["amount of A"].values[0]


@pytest.mark.parametrize("solver", ["cg", "amg"])
def test_iterative_steps_keep_totals_because_they_are_corrected(monkeypatch, solver):
    """With a linear solver stopped after two digits, totals drift without the correction and do not with it."""
    if solver == "amg":
        pytest.importorskip("pyamg")
    from cellml.sim.engine import step

    monkeypatch.setattr(step, "FORCING", 1e-2)
    assert mass_drift(cells=1, steps=60, solver=solver).largest < 2e-14
    assert mass_drift(cells=1, steps=60, solver=solver, corrected=False).largest > 1e-13


@st.composite
def networks(draw):
    """Mass action of two to four species in the ball and up to two on its membrane, with one to four reactions."""
    bulk, surface = [f"b{k}" for k in range(draw(st.integers(2, 4)))], [f"s{k}" for k in range(draw(st.integers(0, 2)))]
    side = st.lists(st.sampled_from([*bulk, *surface]), max_size=2)
    chosen = draw(st.lists(st.tuples(side, side).filter(lambda sides: sides[0] != sides[1] and any(sides)), min_size=1, max_size=4))
    constants = draw(st.lists(st.floats(0.01, 1.0), min_size=len(chosen), max_size=len(chosen)))
    return bulk, surface, list(zip(chosen, constants, strict=True))


def _text(network) -> str:
    bulk, surface, reactions = network
    lines = ["species:"]
    lines += [f"  {n}: {{in: '*', D: {{value: 1, unit: um^2/s}}, initial: c*(1 + 0.5*x/R)}}" for n in bulk]
    lines += [f"  {n}: {{on: membrane, initial: {{value: 2, unit: molecule/um^2}}}}" for n in surface]
    lines += ["parameters: {c: {value: 1, unit: molecule/um^3}, R: {value: 1, unit: um}}", "reactions:"]
    for (left, right), constant in reactions:
        on = any(name in surface for name in [*left, *right])
        power = {name: 2 if name in surface else 3 for name in left}
        # The unit of a constant: rate over the product of what reacts.
        length, number = sum(power.values() if len(power) == len(left) else [power[n] for n in left]) - (2 if on else 3), len(left) - 1
        unit = f"um^({length})/molecule^({number})/s"
        equation = f"{' + '.join(left) or 0} -> {' + '.join(right) or 0}"
        lines.append(f"  - {{{'on: membrane' if on else 'in: .'}, equation: {equation}, forward: {{value: {constant}, unit: {unit}}}}}")
    return "\n".join(lines).replace("in: .", "in: '*'") + "\n"


@settings(max_examples=25, deadline=None)
@given(network=networks(), scheme=st.sampled_from(["bdf2", "backward_euler", "imex"]))
def test_totals_of_random_networks_are_conserved(model_of, followed, network, scheme):
    stepper, _, states = followed(BALL, model_of(_text(network)), Plan(0.2, 5, scheme))
    for total in stepper.kept:
        amounts = states @ total.weights
        assert np.ptp(amounts) <= 1e-12 * np.abs(states * total.weights).sum(axis=1).max()
