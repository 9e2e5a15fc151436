"""The study of shape generators: what its table says, its controls on bodies whose comparison is known, and that nothing held out is learned."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

from cellml.nets.mesh_template import icosphere
from cellml.report.rows import append_row
from cellml.shapes.population import Population
from cellml.types import Surface

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def study() -> ModuleType:
    spec = importlib.util.spec_from_file_location("shapes_generators_study", ROOT / "experiments/shapes/generators.py")
    assert spec is not None and spec.loader is not None
    sys.path.insert(0, str(ROOT / "experiments/shapes"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    sys.path.remove(str(ROOT / "experiments/shapes"))
    return module


def test_the_grid_is_that_of_the_recipe(study: Any) -> None:
    recipe = yaml.safe_load((ROOT / "conf/data/spine_grids.yaml").read_text())
    grid = recipe["representation"]
    assert (tuple(grid["shape"]), grid["margin"], tuple(grid["stretch"])) == (study.GRID.shape, study.GRID.margin, study.GRID.stretch)


def test_a_table_of_seeds_becomes_their_mean_and_range(study: Any, tmp_path: Path) -> None:
    for name, seed, fold, accuracy in (("a", 0, 0, 0.6), ("a", 1, 0, 0.8), ("a", 0, 1, 0.9), ("marginals", 0, 0, "")):
        append_row(tmp_path / "t.csv", {"generator": name, "seed": seed, "fold": fold, "one_nn": accuracy})
    found = {key: value for key, (value, _) in study.results(tmp_path / "t.csv").items()}
    assert found == {"a_seeds": 2, "a_one_nn_mean_over_seeds": pytest.approx(0.7), "a_one_nn_least": 0.6, "a_one_nn_most": 0.8}


def test_controls_are_what_they_are(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    unit, faces = icosphere(2).vertices.double().numpy(), icosphere(2).faces.numpy()

    def ellipsoids(count: int) -> Population:
        surfaces = tuple(Surface(unit * rng.uniform(200, 600, 3) * [1, 1, 3], faces, str(n)) for n in range(count))
        return Population(tuple(s.name for s in surfaces), surfaces, ("",) * count, ("",) * count)

    both = ellipsoids(24), ellipsoids(16)
    monkeypatch.setattr(study, "spines", lambda fold: both)
    monkeypatch.setattr(study, "DRAWN", 20)
    study.described.cache_clear()
    copies, once = study.memoriser(0, 0), study.one_shape(0, 0)
    study.described.cache_clear()
    assert 0.3 < copies["one_nn"] < 0.7  # one distribution
    assert copies["copied_share"] == 1
    assert once["one_nn"] > 0.8
    assert once["coverage"] == pytest.approx(1 / 16, abs=1e-3)
    likely = study.marginals(0, 0)["log_likelihood"]
    assert -6400 * np.log(2) < likely < 0  # better than a coin for each voxel
