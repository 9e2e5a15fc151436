from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.sim.errors import SimulationError
from cellml.sim.flow import Temperature, solve_heat
from cellml.sim.mechanics.part import keep_regions
from cellml.sim.mechanics.space import Space
from cellml.sim.mechanics.spheres import hollow_octant


def test_an_interface_bounds_the_part():
    whole = hollow_octant((500.0, 1000.0, 2000.0), 2, (1, 1))
    inner = keep_regions(whole, ["shell 1"])
    assert inner.region_volumes() == pytest.approx({"shell 1": whole.region_volumes()["shell 1"]})
    assert Space(inner).facets("between 1 and 2").inner == 0
    assert len(inner.facets_named("outer")) == 0
    assert len(inner.facets_named("x0")) == len(whole.facets_named("x0")) / 2
    assert len(keep_regions(whole, ["shell 1", "shell 2"]).facets) == len(whole.facets)


def test_results_on_a_part_are_at_the_points_of_the_whole():
    whole = hollow_octant((500.0, 1000.0, 2000.0), 4, (2, 2))
    field = solve_heat(keep_regions(whole, ["shell 2"]), 1.0, [Temperature("between 1 and 2", 1.0), Temperature("outer", 0.0)])
    r = np.linalg.norm(whole.points, axis=1)
    assert (np.isnan(field.temperature) == (r < 999.0)).all()
    there = r > 999.0
    assert field.temperature[there] == pytest.approx(2000.0 / r[there] - 1.0, abs=0.05)


def test_unknown_regions_are_refused():
    whole = hollow_octant((500.0, 1000.0, 2000.0), 2, (1, 1))
    with pytest.raises(SimulationError, match="no region nucleus; it has shell 1, shell 2"):
        keep_regions(whole, ["nucleus"])
    with pytest.raises(SimulationError, match="No region"):
        keep_regions(whole, [])
    with pytest.raises(CellmlError, match="no facets named"):
        keep_regions(whole, ["shell 1"]).facets_named("PM")
