from __future__ import annotations

from pathlib import Path

import pytest

from cellml.sim.analytic import ball
from cellml.sim.immobile import immobile_at_membranes
from cellml.sim.model_file import parse_model
from cellml.sim.scales import scales
from cellml.sim.solve import solve_model

TEXT = """
species:
  A: {in: "*", D: {value: SLOW, unit: um^2/s, source: s}, initial: {value: 1, unit: uM, source: s}}
  X: {on: membrane, initial: {value: 200, unit: molecule/um^2, source: s}}
reactions:
  - {name: bind, on: membrane, equation: A + X -> X, forward: {value: 0.1, unit: um^3/(molecule*s), source: s}}
time: {end: {value: 0.01, unit: s}, steps: 2}
observables: [{type: amount, of: A}]
"""


def model(D, text=TEXT):
    return parse_model(text.replace("SLOW", str(D)), Path("m.yaml"))


def test_a_bulk_species_without_diffusion_at_a_membrane_is_told_before_and_after():
    mesh, still = ball(1000.0, 1), model(0)
    (sentence,) = immobile_at_membranes(still)
    assert sentence.startswith("A does not diffuse (D = 0), but bind on membrane changes it") and "depends on the mesh" in sentence
    assert sentence in scales(mesh, still).warnings and sentence in solve_model(mesh, still, errors="never").notes


@pytest.mark.parametrize(("D", "text"), [(1, TEXT), (0, TEXT.replace("A + X -> X", "A + X -> A"))])
def test_nothing_is_told_where_it_diffuses_or_is_only_read(D, text):
    assert immobile_at_membranes(model(D, text)) == []
