"""Training without gradients by the same commands: train, infer, score."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from cellml.checkpoint import load, read
from cellml.errors import CellmlError, ContractError

Command = Callable[..., int]
BLOCKS = ("data=fib25", "training.max_steps=1", "data.patch=[16,16,16]", "data.guard=4", "data.transforms=[]")
SPLIT = ("data.train=[{region: {z: [0, 20]}}]", "data.val=[{region: {z: [24, 40]}}]")
FOREST = ("task=pixels", "task.net.samples=500", "task.net.features.scales_nm=[10,20]", "task.net.classifier.n_estimators=5")


@pytest.fixture(scope="module")
def words(phantom_file: Path) -> Callable[..., list[str]]:
    """A fit on a phantom that takes a second: `words(folder, *more)`."""

    def overrides(folder: Path, *more: str) -> list[str]:
        return [*BLOCKS, *SPLIT, f"data.path={phantom_file}", f"data.labels={phantom_file}:classes", f"hydra.run.dir={folder}", *more]

    return overrides


@pytest.fixture(scope="module")
def run(words: Callable[..., list[str]], cellml: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fitted") / "forest"
    assert cellml("train", *words(folder, *FOREST)) == 0
    return folder


def test_a_fit_leaves_what_a_training_leaves(run: Path) -> None:
    with (run / "metrics" / "metrics.csv").open() as stream:
        found = {key: float(value) for row in csv.DictReader(stream) for key, value in row.items() if value}
    record = read(run / "model.ckpt")["cellml"]
    assert found["train/pixels"] == 500 and found["train/seconds"] > 0 and found["train/processor_seconds"] > 0
    assert record["metrics"]["val/iou"] == pytest.approx(found["val/iou"], abs=1e-6) and record["labels"] == ["background", "foreground"]
    assert (run / ".hydra" / "config.yaml").is_file() and record["contract"]["spacing_nm"] == [10, 10, 10]


def test_the_operating_point_is_the_best_of_the_validation_block(run: Path) -> None:
    task = load(run / "model.ckpt").task
    assert task.net.bias[0] == 0 and task.net.bias[1] != 0
    assert read(run / "model.ckpt")["cellml"]["metrics"]["val/iou"] > 0.3


def test_infer_and_score_take_its_checkpoint_and_tiles_decide_nothing(
    run: Path, phantom_file: Path, cellml: Command, tmp_path: Path
) -> None:
    from cellml.io import read_volume

    for name, tile in (("whole", "[64,64,64]"), ("tiled", "[16,12,20]")):
        more = [f"output={tmp_path / name}.h5", "probabilities=true", f"tile={tile}", "halo=[99,99,99]"]
        assert cellml("infer", f"checkpoint={run / 'model.ckpt'}", f"input={phantom_file}", *more) == 0
    whole, tiled = (read_volume(tmp_path / f"{name}_probabilities.h5").data for name in ("whole", "tiled"))
    np.testing.assert_allclose(whole, tiled, atol=1e-4)
    assert cellml("score", f"prediction={tmp_path / 'whole.h5'}", f"truth={phantom_file}:classes", f"output={tmp_path / 's.json'}") == 0
    assert 0 < json.loads((tmp_path / "s.json").read_text())["mean_dice"] <= 1


def test_the_same_seed_gives_the_same_file_and_another_another(run: Path, words: Any, cellml: Command, tmp_path: Path) -> None:
    assert cellml("train", *words(tmp_path / "again", *FOREST)) == 0
    assert cellml("train", *words(tmp_path / "other", *FOREST, "seed=1")) == 0
    first, again, other = (read(folder / "model.ckpt")["state_dict"] for folder in (run, tmp_path / "again", tmp_path / "other"))
    assert all(torch.equal(value, again[name]) for name, value in first.items()) and not torch.equal(
        first["net.threshold"], other["net.threshold"]
    )


@pytest.mark.parametrize("recipe", ["otsu", "marker_watershed", "kmeans", "svm", "voting"])
def test_every_rung_is_an_experiment(recipe: str, words: Any, phantom_file: Path, cellml: Command, tmp_path: Path) -> None:
    net = "task.net" if recipe in ("otsu", "marker_watershed") else "task.net.features"
    quick = ["task.net.samples=400", f"{net}.spacing=[10,10,10]", f"{net}.stride=[1,1,1]"]
    quick += ["task.net.clusters=3"] if recipe == "kmeans" else []
    blocks = words(tmp_path / "run", f"experiment=segmentation/{recipe}", *quick)[1:]  # the experiment has its own data
    assert cellml("train", *blocks) == 0
    out = tmp_path / "out.tif"
    assert cellml("infer", f"checkpoint={tmp_path / 'run/model.ckpt'}", f"input={phantom_file}", f"output={out}") == 0 and out.is_file()


def test_boundaries_by_a_forest_are_decoded_into_objects(phantom_file: Path, words: Any, cellml: Command, tmp_path: Path) -> None:
    target = ["++task.target={_target_: cellml.tasks.targets.BoundaryTarget}", "~task.target.classes", "task.net.out_channels=1"]
    more = ["++task.decoder={_target_: cellml.segmentation.watershed.Watershed, min_size: 5}", f"data.labels={phantom_file}:labels"]
    loss = "task.loss._target_=cellml.losses.affinity.BalancedBinaryLoss"
    assert cellml("train", *words(tmp_path / "run", *FOREST, *target, *more, loss)) == 0
    assert "val/adapted_rand_error" in read(tmp_path / "run/model.ckpt")["cellml"]["metrics"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["training.initialise_from=x.ckpt"], "training.initialise_from is about weights"),
        (["trainer=ddp"], "by one process"),
        (["task.net.in_channels=2"], "set task.net.in_channels=1"),
        (["task.target.classes=[a,b,c]"], "set task.net.out_channels=3"),
    ],
)
def test_settings_of_a_training_by_steps_are_refused(
    more: list[str], said: str, words: Any, cellml: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cellml("train", *words(tmp_path / "run", *FOREST, *more)) == 2
    assert said in capsys.readouterr().err


def changed(run: Path, folder: Path, change: Callable[[Any], None]) -> Path:
    content = torch.load(run / "model.ckpt", weights_only=True)
    config = OmegaConf.create(content["cellml"]["config"])
    change(config.task.net)
    content["cellml"]["config"] = OmegaConf.to_yaml(config)
    torch.save(content, folder / "changed.ckpt")
    return folder / "changed.ckpt"


@pytest.mark.parametrize(
    "target", ["sklearn.pipeline.Pipeline", "sklearn.cluster.AgglomerativeClustering", "sklearn.ensemble._forest.np.load"]
)
def test_a_checkpoint_builds_classifiers_only(target: str, run: Path, tmp_path: Path) -> None:
    """What caches its results in a folder would read pickles from there; what is no class of scikit-learn could be anything."""
    path = changed(run, tmp_path, lambda net: OmegaConf.update(net, "classifier", {"_target_": target}, merge=False))
    with pytest.raises(ContractError, match="not trusted"):
        load(path)


def test_a_forest_of_other_features_is_refused(run: Path, tmp_path: Path) -> None:
    task = load(changed(run, tmp_path, lambda net: OmegaConf.update(net, "features.scales_nm", [10.0]))).task
    with pytest.raises(CellmlError, match="features and trees do not belong together"):
        task.predict_volume(np.zeros((1, 8, 16, 16), np.float32))
