"""Models and meshes that the tests of particles share.

Seeds are fixed, so that a test gives the same answer each time. The bounds, |z| ≤ 4 and p ≥ 1e-4 unless said otherwise, would call a right
program wrong once in 10⁴ draws of a seed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellml.sim.analytic import box
from cellml.sim.model import Model
from cellml.sim.model_file import parse_model
from cellml.types import TetMesh

OBSERVED = "observables: [{type: amount, of: A}]\n"


@pytest.fixture
def model_of():
    """A model from the text of a file named m.yaml, with the amount of A as its observable."""

    def build(text: str) -> Model:
        return parse_model(text + OBSERVED, Path("m.yaml"))

    return build


@pytest.fixture
def cube() -> TetMesh:
    """1 µm³, in 3 × 3 × 3 cells, one face of x open."""
    return box((1000.0, 1000.0, 1000.0), (3, 3, 3), cuts=("x0",))


@pytest.fixture
def halves() -> TetMesh:
    """1 µm³ in two regions left and right, with the membrane wall between them at x = 500 nm."""
    whole = box((1000.0, 1000.0, 1000.0), (4, 2, 2))
    right = whole.points[whole.tets].mean(axis=1)[:, 0] > 500.0
    faces = np.sort(np.concatenate([np.delete(whole.tets, i, axis=1) for i in range(4)]), axis=1)
    between = np.unique(faces[(np.abs(whole.points[faces][:, :, 0] - 500.0) < 1e-6).all(axis=1)], axis=0)
    return replace(
        whole,
        regions=np.where(right, 2, 1).astype(np.int32),
        region_names={1: "left", 2: "right"},
        facets=np.concatenate([whole.facets, between]),
        facet_tags=np.concatenate([whole.facet_tags, np.full(len(between), 2, np.int32)]),
        facet_names={1: "membrane", 2: "wall"},
    )
