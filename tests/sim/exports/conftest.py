"""A small cell with an organelle, and a model with everything in it that exports must carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.meshing.topology import facet_pairs
from cellml.sim.analytic import box
from cellml.sim.exports.located import Located, locate
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

CALCIUM = """
name: calcium
compartments: {cytosol: {region: cytosol}, ER: {region: ER}}
membranes: {PM: {facets: PM}, PSD: {facets: PSD}, ERM: {facets: ERM}}
parameters:
  k_on: {value: 0.02, unit: 1/(uM*ms), source: a test}
  k_off: {value: 5, unit: 1/s}
  k_up: {value: 0.05, unit: 1/(uM*s)}
  k_turn: {value: 3, unit: 1/s}
  P: {value: 0.2, unit: um/s}
  j: {value: 2000, unit: molecule/(um^2*s)}
  k_dimer: {value: 0.001, unit: um^2/(molecule*s)}
  k_break: {value: 0.5, unit: 1/s}
species:
  Ca: {in: cytosol, D: {value: 220, unit: um^2/s}, initial: {value: 0.1, unit: uM}}
  B: {in: cytosol, D: {value: 20, unit: um^2/s}, initial: {value: 2, unit: uM}}
  CaB: {in: cytosol, D: {value: 20, unit: um^2/s}}
  CaER: {in: ER, D: {value: 50, unit: um^2/s}, initial: {value: 5, unit: uM}}
  pump: {on: ERM, D: {value: 0.01, unit: um^2/s}, initial: {value: 500, unit: molecule/um^2}}
  pumpCa: {on: ERM, D: {value: 0.01, unit: um^2/s}}
  R: {on: PM, D: {value: 0.1, unit: um^2/s}, initial: {value: 300, unit: molecule/um^2}}
  Q: {on: PM, D: {value: 0.2, unit: um^2/s}, initial: {value: 100, unit: molecule/um^2}}
  RQ: {on: PM, D: {value: 0.05, unit: um^2/s}}
reactions:
  - {name: buffer, in: cytosol, equation: Ca + B <-> CaB, forward: k_on, backward: k_off}
  - {name: load, on: ERM, equation: Ca + pump -> pumpCa, forward: k_up}
  - {name: turn, on: ERM, equation: pumpCa -> pump + CaER, forward: k_turn}
  - {name: leak, on: ERM, equation: CaER <-> Ca, forward: P, backward: P}
  - {name: influx, on: PSD, equation: 0 -> Ca, forward: j}
  - {name: bind, on: PM, equation: R + Q <-> RQ, forward: k_dimer, backward: k_break}
time: {end: {value: 20, unit: ms}, steps: 10, snapshots: 2}
observables:
  - {type: amount, of: Ca}
  - {type: mean, of: CaER}
  - {type: amount, of: RQ, unit: molecule}
  - {type: rate, of: load}
  - {type: concentration, of: Ca, at: [120, 310, 77], name: spot}
"""


def cell(n: int = 5) -> TetMesh:
    """A cube of 1 µm with an inner cube (region ER, 2, behind ERM, 12); the top is the PSD (11), the rest of the surface PM (10)."""
    whole = box((1000.0, 1000.0, 1000.0), (n, n, n))
    centre = whole.points[whole.tets].mean(axis=1)
    inner = (np.abs(centre - 500.0) < 500.0 * (n - 2) / n).all(axis=1)
    regions = np.where(inner, 2, 1).astype(np.int32)
    pairs = facet_pairs(whole.tets)
    outer = pairs.second < 0
    wall = ~outer & (regions[pairs.first] != regions[pairs.second])
    top = outer & (whole.points[pairs.facets][:, :, 2] > 999.0).all(axis=1)
    tags = np.where(top, 11, np.where(outer, 10, 12)).astype(np.int32)
    kept = outer | wall
    names = {10: "PM", 11: "PSD", 12: "ERM"}
    return TetMesh(whole.points, whole.tets, regions, {1: "cytosol", 2: "ER"}, pairs.facets[kept], tags[kept], names, "cell")


@pytest.fixture(scope="session")
def mesh() -> TetMesh:
    return cell()


@pytest.fixture(scope="session")
def calcium_text() -> str:
    return CALCIUM


@pytest.fixture(scope="session")
def calcium() -> Model:
    return parse_model(CALCIUM, Path("calcium.yaml"))


@pytest.fixture(scope="session")
def located(mesh: TetMesh, calcium: Model) -> Located:
    return locate(mesh, calcium)
