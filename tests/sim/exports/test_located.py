from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.sim.analytic import box
from cellml.sim.domain import Domain
from cellml.sim.errors import SimulationError
from cellml.sim.exports.located import OUTSIDE, Located, locate
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

RELEASE = """
species: {A: {in: "*", D: {value: 2, unit: um^2/s}}}
releases: [{of: A, at: largest_cut, amount: {value: 10, unit: molecule}}]
time: {end: {value: 0.5, unit: diffusion_time}}
observables: [{type: amount, of: A}]
"""


def test_places_are_numbers_of_the_mesh(located: Located) -> None:
    assert located.regions("cytosol") == (1,) and located.regions("ER") == (2,)
    assert (located.tags("PM"), located.tags("PSD"), located.tags("ERM")) == ((10,), (11,), (12,))
    assert located.size("ERM") == pytest.approx(6 * 0.6**2) and located.size("cytosol") == pytest.approx(1 - 0.6**3)
    assert located.sides((12,)).tolist() == [[1, 2]] and located.sides((10, 11)).tolist() == [[OUTSIDE, 1]]
    assert located.compartment_of(2) == "ER" and located.compartment_of(OUTSIDE) is None
    assert located.end == pytest.approx(0.02)


def test_a_membrane_may_be_called_like_one_of_its_facet_sets(mesh: TetMesh) -> None:
    text = RELEASE.replace("largest_cut", "PM").replace('"*"', "cytosol") + "membranes: {PM: {facets: [PM, PSD]}}\n"
    assert locate(mesh, parse_model(text, Path("m.yaml"))).tags("PM") == (10, 11)


def test_an_automatic_choice_gets_tags_of_its_own() -> None:
    rod = box((200.0, 300.0, 1000.0), (2, 3, 5), cuts=("z0", "z1"))
    narrow = rod.points.copy()
    narrow[:, :2] *= 1.0 + narrow[:, 2:] / 2000.0  # z1 is the wider end
    found = locate(replace(rod, points=narrow), parse_model(RELEASE, Path("m.yaml")))
    (tag,) = found.tags("largest_cut")
    assert found.mesh.facet_names[tag] == "cut_z1/largest_cut" and found.tags("cut_z1") == (tag,)
    assert np.allclose(found.mesh.points[found.mesh.facets[found.mesh.facet_tags == tag]][:, :, 2], 1000.0)
    assert set(found.cut_tags) == {*found.tags("cut_z0"), tag}
    assert found.end == pytest.approx(0.5 * Domain(found.mesh).extent() ** 2 / 2)


def test_an_automatic_choice_without_an_answer_is_refused(mesh: TetMesh) -> None:
    with pytest.raises(SimulationError, match=r"m.yaml:3: largest_cut has no answer here: 'cell' touches no face"):
        locate(mesh, parse_model(RELEASE, Path("m.yaml")))


def test_region_zero_is_refused(mesh: TetMesh) -> None:
    with pytest.raises(CellmlError, match="region number 0; exports need numbers from 1"):
        locate(replace(mesh, regions=mesh.regions - 1), parse_model(RELEASE, Path("m.yaml")))


def test_a_model_without_time_says_so(mesh: TetMesh) -> None:
    text = 'species: {A: {in: "*", D: {value: 2, unit: um^2/s}}}\nobservables: [{type: relaxation_time}]\n'
    with pytest.raises(SimulationError, match="m.yaml: this export follows the model in time, so it needs `time"):
        _ = locate(mesh, parse_model(text, Path("m.yaml"))).end
