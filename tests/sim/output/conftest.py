"""A cell with a store inside, and a model that has species in both and on both membranes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.meshing.topology import facet_pairs
from cellml.sim.analytic import box
from cellml.sim.model_file import parse_model
from cellml.sim.solve import Solution, solve_model
from cellml.types import TetMesh

MODEL = """
name: store
species:
  Ca: {in: cytosol, D: {value: 5, unit: um^2/s, source: s}, initial: {value: 0.1, unit: uM, source: s}}
  store: {in: ER, D: {value: 5, unit: um^2/s, source: s}, initial: {value: 60, unit: uM, source: s}}
  R: {on: PM, D: {value: 0.1, unit: um^2/s, source: s}, initial: {value: 100, unit: molecule/um^2, source: s}}
membranes: {PM: {facets: membrane}, ERM: {facets: ERM}}
parameters:
  P: {value: 2, unit: um/s, source: s}
  k: {value: 1, unit: 1/s, source: s}
reactions:
  - {name: leak, on: ERM, equation: store <-> Ca, rate: P * (store - Ca)}
  - {name: bind, on: PM, equation: Ca + R -> R, forward: {value: 0.001, unit: um^3/(molecule*s), source: s}}
time: {end: {value: 20, unit: ms}, steps: 10, snapshots: 2}
observables:
  - {type: amount, of: Ca}
  - {type: mean, of: R, name: receptors}
"""


@pytest.fixture(scope="session")
def cell() -> TetMesh:
    """A box of 1 µm, cut at x0, with a box of 0.5 µm inside: cytosol and ER, membrane and ERM."""
    mesh = box((1000.0, 1000.0, 1000.0), (4, 4, 4), cuts=("x0",))
    centre = mesh.points[mesh.tets].mean(axis=1)
    regions = np.where((np.abs(centre - 500.0) < 250.0).all(axis=1), 2, 1).astype(np.int32)
    pairs = facet_pairs(mesh.tets)
    between = (pairs.second >= 0) & (regions[pairs.first] != regions[np.maximum(pairs.second, 0)])
    return replace(
        mesh,
        regions=regions,
        region_names={1: "cytosol", 2: "ER"},
        facets=np.concatenate([mesh.facets, pairs.facets[between]]),
        facet_tags=np.concatenate([mesh.facet_tags, np.full(between.sum(), 12, np.int32)]),
        facet_names={**mesh.facet_names, 12: "ERM"},
        name="cell",
    )


@pytest.fixture(scope="session")
def solution(cell: TetMesh) -> Solution:
    return solve_model(cell, parse_model(MODEL, Path("store.yaml")), errors="never", frames=4)
