"""The whole demonstration, small: train, segment, mesh, simulate, report, on a phantom."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cellml.data.phantom import em_phantom

    raw, neurites = em_phantom((48, 64, 96), seed=1, neurites=10)
    path = tmp_path_factory.mktemp("block") / "block.npz"
    np.savez(path, raw=raw.data, labels=neurites.data, voxel_nm=np.array(raw.spacing))
    return path


def words(block: Path, output: Path) -> list[str]:
    overrides = [
        "training.max_steps=3",
        "training.budget_minutes=null",
        "training.validations=1",
        "data.patch=[16,16,16]",
        "data.patches_per_epoch=3",
        "data.train=[{region: {x: [0, 40]}}]",
        "data.val=[{region: {x: [48, 96]}}]",
        "task.net.widths=[2,4]",
        "task.decoder_grid.threshold=[0.3,0.6]",
    ]
    listed = ",".join(f"'{o}'" for o in overrides)
    return ["demo", f"output={output}", f"input={block}", "held_out={x:[48,96]}", "neurites=2", f"overrides=[{listed}]"]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.external: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.external += [f"{tag} {v}" for k, v in attrs if k in ("src", "href") and v and not v.startswith(("#", "data:"))]


@pytest.fixture(scope="module")
def run(block: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "demo"
    assert main(words(block, output)) == 0
    return output


def test_demo_leaves_what_it_promises(run: Path) -> None:
    results = json.loads((run / "results.json").read_text())
    rows = list(csv.DictReader((run / "objects.csv").open(newline="")))
    links = _Links()
    links.feed((run / "report.html").read_text())
    assert 0 <= results["adapted_rand_error"]["value"] <= 1
    assert results["training_time"]["value"] > 0 and results["total_time"]["value"] >= results["training_time"]["value"]
    assert {row["truth_id"] for row in rows} and results["neurites"]["value"] == len({row["truth_id"] for row in rows})
    assert any(float(row["truth"]) > 0 for row in rows if row["observable"] == "relaxation_time")
    assert list((run / "meshes").glob("truth_*.vtu")) and list((run / "meshes").glob("truth_*.json"))
    assert links.external == []


def test_unmatched_objects_count_as_error_one(run: Path) -> None:
    rows = list(csv.DictReader((run / "objects.csv").open(newline="")))
    unmatched = [row for row in rows if row["status"] == "unmatched"]
    assert all(float(row["rel_error"]) == 1 and row["predicted_id"] == "" for row in unmatched)


def test_checkpoint_of_the_demo_predicts_and_serves_a_second_demo(run: Path, block: Path, tmp_path: Path) -> None:
    assert main(["infer", f"checkpoint={run / 'fib25-neurites.ckpt'}", f"input={block}", f"output={tmp_path / 'all.npz'}"]) == 0
    assert np.load(tmp_path / "all.npz")["labels"].shape == (48, 64, 96)
    again = [*words(block, tmp_path / "demo"), f"pretrained={run / 'fib25-neurites.ckpt'}"]
    assert main(again) == 0
    first, second = (json.loads((folder / "results.json").read_text()) for folder in (run, tmp_path / "demo"))
    assert second["training_time"]["value"] == 0 and second["adapted_rand_error"] == first["adapted_rand_error"]
    assert main(again) == 0  # an older run is moved aside, not overwritten
    assert len(list(tmp_path.glob("demo-*/report.html"))) == 1


def test_missing_checkpoint_is_said_before_anything_is_moved(block: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "demo").mkdir()
    assert main([*words(block, tmp_path / "demo"), "pretrained=nowhere.ckpt"]) == 2
    assert "nowhere.ckpt" in capsys.readouterr().err and (tmp_path / "demo").is_dir()
