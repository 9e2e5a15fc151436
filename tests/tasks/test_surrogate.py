"""The surrogate as it is trained from the command line, on a population made by code."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from cellml.checkpoint import load
from cellml.cli import main
from cellml.data.population_module import PopulationDataModule
from cellml.errors import CellmlError
from cellml.nets.surrogate import SurrogateNet
from cellml.populations.table import Table

FEATURES, OBSERVABLES = ["volume_nm3", "neck"], ["time", "share"]


def population(folder: Path, count: int = 120, seed: int = 0) -> Path:
    """time = volume^⅔ / neck with a noise of 10 %, share = neck/2 + noise; twelve stacks; one failed shape."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    table = Table(folder / "table.csv", ("name", "group", "class", "state", *FEATURES, *OBSERVABLES))
    table.begin()
    rows = [{"name": "failed", "group": "stack 0", "state": "failed"}]
    for n in range(count):
        volume, neck = np.exp(rng.normal(18, 1)), rng.uniform(0.3, 0.8)
        answers = {"time": volume ** (2 / 3) / neck * np.exp(0.1 * rng.normal()), "share": 0.5 * neck + 0.02 * rng.normal()}
        rows.append({"name": f"s{n}", "group": f"stack {n % 12}", "state": "ok", "volume_nm3": volume, "neck": neck, **answers})
    table.replace(rows)
    (folder / "record.json").write_text(json.dumps({"features": FEATURES, "units": {"time": "s", "share": "1"}}))
    return folder


def test_a_surrogate_is_trained_calibrated_and_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, run = population(tmp_path / "population"), tmp_path / "run"
    words = [f"data.tables=[{table}]", f"data.features={FEATURES}", f"data.observables={OBSERVABLES}".replace(" ", "")]
    words = [word.replace("'", "").replace(" ", "") for word in words]
    assert main(["train", "experiment=surrogate/spines", *words, "task.net.steps=120", f"hydra.run.dir={run}"]) == 0
    with next(run.rglob("metrics.csv")).open() as stream:
        logged = {key: float(value) for row in csv.DictReader(stream) for key, value in row.items() if value}
    assert 0.75 <= logged["val/coverage"] <= 1.0 and logged["val/loss"] < 0.4
    loaded = load(run / "model.ckpt")
    value, low, high = loaded.task.predict(np.array([[np.exp(18.0), 0.5]]))
    assert value[0] == pytest.approx([np.exp(12.0) / 0.5, 0.25], rel=0.1)
    assert (low < value).all() and (value < high).all()
    assert np.log(high[0, 0] / low[0, 0]) / 2 == pytest.approx(1.64 * 0.1, rel=0.6)


def test_whole_groups_are_held_out_and_rows_left_out_are_counted(tmp_path: Path) -> None:
    data = PopulationDataModule([population(tmp_path / "population")], FEATURES, OBSERVABLES, fold=1, folds=4)
    data.setup()
    (train,), (held,) = data.training_blocks, data.validation_blocks
    assert not set(train.groups) & set(held.groups) and len(train.inputs) + len(held.inputs) == 120
    assert data.warnings == ["1 rows without all numbers were left out"]


def test_bad_input_is_told(tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match=r"data.fold must be one of 0 to 4"):
        PopulationDataModule(["x"], FEATURES, OBSERVABLES, fold=5)
    with pytest.raises(CellmlError, match="no table"):
        PopulationDataModule([], FEATURES, OBSERVABLES)
    data = PopulationDataModule([population(tmp_path / "population", 12)], FEATURES, OBSERVABLES, fold=None)
    data.setup()
    net = SurrogateNet(FEATURES, OBSERVABLES, members=2, steps=5, level=0.95)
    with pytest.raises(CellmlError, match="need 19 left-out shapes"):
        net.fit(data, None)
    net = SurrogateNet(FEATURES, OBSERVABLES, members=2, steps=5, level=0.5)
    assert set(net.fit(data, None)) == {"left_out_error_time", "left_out_error_share"}
    with pytest.raises(CellmlError, match="volume_nm3 was positive"):
        net.predict(np.array([[-1.0, 0.5]]))
