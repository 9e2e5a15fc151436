from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.sim.analytic import ball, box
from cellml.sim.domain import Domain
from cellml.sim.model import Model
from cellml.sim.model_file import load_model, parse_model
from cellml.sim.scale_tables import scale_lines
from cellml.sim.scales import scales
from cellml.sim.shipped import find_model


def model(text: str) -> Model:
    return parse_model(text, Path("m.yaml"))


DECAY = """
species: {A: {in: "*", D: {value: 2, unit: um^2/s, source: a book}, initial: {value: 1, unit: uM}}}
parameters: {k: {value: 50, unit: 1/s, temperature: 310 K}}
reactions: [{name: decay, in: "*", equation: A -> , forward: k}]
time: {end: {value: 1, unit: s}, steps: 100}
observables: [{type: amount, of: A}]
"""

BINDING = """
species:
  A: {in: "*", D: {value: 10, unit: um^2/s}, initial: {value: 1, unit: uM}}
  X: {on: membrane, D: {value: 0.5, unit: um^2/s}, initial: {value: 200, unit: molecule/um^2}}
reactions: [{name: bind, on: membrane, equation: A + X -> X, forward: {value: 0.1, unit: um^3/(molecule*s)}}]
time: {end: {value: 1, unit: s}}
observables: [{type: amount, of: A}]
"""


def test_numbers_of_a_decay_in_a_rod(rod):
    found = scales(rod, model(DECAY))
    L, area, volume, k, D = found.length, 2 * (0.06 + 0.2 + 0.3), 0.06, 50.0, 2.0
    assert L == pytest.approx(Domain(rod).extent()) and found.volume == pytest.approx(volume)
    (species,), (decay,) = found.species, found.reactions
    assert species.diffusion_time == pytest.approx(L**2 / D)
    assert species.copies == pytest.approx(602.214 * volume, rel=1e-4)
    assert decay.time == pytest.approx(1 / k)
    assert decay.damkohler == pytest.approx(k * L**2 / D)
    assert decay.thickness == pytest.approx(volume / area)
    assert decay.thiele == pytest.approx(np.sqrt(k / D) * volume / area)
    assert found.step == pytest.approx(min(1e-3 * L**2 / D, 0.1 / k))


def test_numbers_of_binding_to_a_membrane_are_those_of_its_velocity():
    mesh = ball(1000.0, 3)
    found = scales(mesh, model(BINDING))
    area = Domain(mesh).facet_areas(Domain(mesh).local(mesh.facets)).sum()
    velocity, D = 0.1 * 200, 10.0
    (bind, of_x) = found.reactions
    assert bind.of == "A" and bind.thickness == pytest.approx(found.volume / area)
    assert bind.time == pytest.approx(found.volume / area / velocity)
    assert bind.damkohler == pytest.approx(velocity * found.length / D)
    assert bind.thiele == pytest.approx(np.sqrt(velocity * found.volume / area / D))
    assert of_x.of == "X" and of_x.time == pytest.approx(1 / (0.1 * 602.214), rel=1e-4) and np.isnan(of_x.thickness)


def test_what_is_released_counts_for_copies_and_for_reactions(rod):
    text = DECAY.replace("A: {in", "B: {in: '*', initial: 0}, A: {in").replace("equation: A ->", "equation: A + B ->")
    text = text.replace("k: {value: 50, unit: 1/s", "k: {value: 2, unit: um^3/(molecule*s)")
    text += "releases: [{of: B, at: cut_z0, amount: {value: 30, unit: molecule}}]\n"
    found = scales(rod, model(text))
    assert found.species[0].name == "B" and (found.species[0].copies, found.species[0].released) == (0.0, 30.0)
    assert {r.of: r.time for r in found.reactions}["A"] == pytest.approx(1 / (2 * 30 / 0.06))
    assert [w.split(":")[0] for w in found.warnings if "chance matters" in w] == ["B", "A"]  # 30 and 36 molecules


def test_steps_that_pass_over_the_fastest_reaction_are_warned_about(rod):
    (warning,) = (w for w in scales(rod, model(DECAY)).warnings if "step" in w)
    assert "0.01 s is longer than a tenth of the fastest reaction time, 0.02 s; steps=500" in warning
    assert not [w for w in scales(rod, model(DECAY.replace("steps: 100", "steps: 500"))).warnings if "step" in w]
    assert not [w for w in scales(rod, model(DECAY.replace("steps: 100", "tolerance: 1e-3"))).warnings if "step" in w]


def test_a_slope_that_is_not_finite_is_no_rate(rod):
    text = DECAY.replace("forward: k", "rate: k * sqrt(A * {0})".replace("{0}", "A0")).replace(
        "parameters: {", "parameters: {A0: {value: 1, unit: uM}, "
    )
    text = text.replace("initial: {value: 1, unit: uM}", "initial: 0")
    assert scales(rod, model(text)).reactions == ()


def printed(mesh, described: Model) -> str:
    from rich.console import Console

    console = Console(width=100, markup=False, highlight=False, force_terminal=False)
    with console.capture() as capture:
        for line in scale_lines(scales(mesh, described)):
            console.print(line)
    return capture.get()


def test_every_constant_stands_with_value_unit_temperature_and_source(rod):
    text = printed(rod, model(DECAY))
    line = {row.split()[0]: row for row in text.splitlines() if row.strip()}
    assert "2" in line["D_A"] and "µm²/s" in line["D_A"] and "a book" in line["D_A"]
    assert "310 K" in line["k"] and "no source" in line["k"]
    assert "Warning: The time step" in text


@pytest.mark.parametrize("name", ["diffusion", "receptor_binding", "turing", "neurite_cable"])
def test_shipped_models_print_within_a_hundred_columns(name):
    mesh = box((1000.0, 1000.0, 1000.0), (2, 2, 2), cuts=("z0", "z1"))
    text = printed(mesh, load_model(find_model(name)))
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "diffusion time L²/D" in text and "no source" not in text


def test_a_mesh_of_a_few_nanometres_may_be_in_micrometres():
    (warning,) = scales(box((2.0, 1.0, 1.0), (2, 1, 1)), model(DECAY.replace("steps: 100", "tolerance: 1e-3"))).warnings[:1]
    assert "box measures 2 nm" in warning and "are its coordinates in µm?" in warning
    assert not [w for w in scales(box((20.0, 10.0, 10.0), (2, 1, 1)), model(DECAY)).warnings if "µm?" in w]
