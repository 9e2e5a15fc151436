"""Model cards: what is recorded is told, what is not is said to be missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cellml import checkpoint
from cellml.errors import CellmlError, FileError
from cellml.sharing.card import NOT_RECORDED, Measured, card, facts_of
from cellml.sharing.card_command import card_file, measured_numbers
from cellml.sharing.data_facts import configured_facts, data_facts

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture(scope="module")
def record(tiny_run: Any) -> dict[str, Any]:
    return dict(checkpoint.read(tiny_run.model)["cellml"])


def test_a_checkpoint_records_its_data_and_what_its_training_cost(record: dict[str, Any]) -> None:
    assert record["data"] == [{"name": "phantom.npz", "description": "", "licence": "", "origin": ""}]
    cost = record["training"]
    assert cost["seconds"] > 0 and cost["machine"]["cores"] >= 1
    assert (cost["joules"] is None) == (not cost["meters"])


def test_the_sections_and_the_gaps(tiny_run: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = card_file(tiny_run.model, tmp_path / "CARD.md", power_w=65).read_text()
    for title in ("Model", "Use", "Data", "Training", "Measured", "Limits", "Energy"):
        assert f"\n## {title}\n" in text
    assert "| seed | 0 |" in text and "4 of 4" in text and "val/adapted_rand_error" in text
    assert "No interval is known" in text and "No test data" in text and "It sees " in text
    assert "phantom.npz" in text and f"Licence: {NOT_RECORDED}" in text
    assert "licence of phantom.npz" in capsys.readouterr().out


def test_weights_are_counted_without_the_statistics_of_layers(tiny_run: Any, tmp_path: Path) -> None:
    task = checkpoint.load(tiny_run.model).task
    weights = sum(value.numel() for value in task.net.parameters())
    stored = sum(value.numel() for value in checkpoint.read(tiny_run.model)["state_dict"].values() if value.is_floating_point())
    assert weights < stored
    assert f"| weights | {weights:,} |" in card_file(tiny_run.model, tmp_path / "CARD.md").read_text()


def test_one_field_of_view_on_card_and_page_and_none_that_no_network_told(
    tiny_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellml.nets.unet import UNet
    from cellml.sharing.description import describe
    from cellml.sharing.network import open_network
    from cellml.sharing.page import page

    known = page(describe(open_network(tiny_run.model), name="x"), {})
    assert "It sees " in card_file(tiny_run.model, tmp_path / "CARD.md").read_text() and "(field of view: not known" not in known
    seen = " × ".join(str(2 * radius + 1) for radius in checkpoint.load(tiny_run.model).task.net.halo)
    assert f"(field of view: {seen})" in known and f"It sees {seen} voxels" in (tmp_path / "CARD.md").read_text()
    monkeypatch.delattr(UNet, "halo")
    assert "It sees " not in card_file(tiny_run.model, tmp_path / "CARD.md").read_text()
    about = describe(open_network(tiny_run.model), name="x")
    assert about["tiling"]["field_of_view"] is None and min(about["tiling"]["halo"]) > 0
    assert "(field of view: not known" in page(about, {})


def test_energy_is_metered_or_reckoned_or_not_recorded(record: dict[str, Any]) -> None:
    def energy(training: Any, **more: Any) -> str:
        return card(facts_of({**record, "training": training}, name="x", size_mb=1.0, **more)).partition("## Energy")[2].strip()

    machine = {"cores": 2, "cpu": "c", "gpu": "none"}
    metered = {"seconds": 7200.0, "joules": 3.6e6, "meters": ["RAPL package-0"], "machine": machine}
    assert energy(metered).startswith("Training took 2.00 h on 2 cores of c, card: none, and 1 kWh by RAPL package-0 (of the whole machine")
    unmetered = {**metered, "joules": None, "meters": []}
    assert "0.13 kWh at an assumed 65 W" in energy(unmetered, power_w=65.0)
    assert f"Energy: {NOT_RECORDED} (no meter" in energy(unmetered)
    assert energy(None) == f"Training time: {NOT_RECORDED}. Energy: {NOT_RECORDED}."


def test_a_time_budget_that_was_timed_gives_an_estimate(record: dict[str, Any]) -> None:
    old = {**record, "training": None, "plan": {**record["plan"], "step_seconds": 1.5}, "step": 100}
    text = card(facts_of(old, name="x", size_mb=1.0))
    assert "about 2.5 min from 1.50 s a step" in text


def test_numbers_of_a_study_come_with_their_intervals() -> None:
    study = {
        "dice": {"value": 0.9, "unit": "1"}, "dice_low": {"value": 0.8, "unit": "1"}, "dice_high": {"value": 0.95, "unit": "1"},
        "missing": {"value": None, "unit": "nm"}, "_about": {"seed": 0},
    }  # fmt: skip
    assert measured_numbers(study) == [Measured("dice", 0.9, "1", 0.8, 0.95)]
    scores = {"kind": "instance", "voxels": 10, "voi_sum": {"value": 1.0, "low": 0.5, "high": 2.0}, "objects": {"f1": 0.5}}
    assert measured_numbers(scores) == [
        Measured("voxels", 10.0), Measured("voi_sum", 1.0, "", 0.5, 2.0), Measured("objects.f1", 0.5)
    ]  # fmt: skip


def test_results_beside_the_checkpoint_are_taken_and_can_be_chosen(tiny_run: Any, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(
        json.dumps({"dice": {"value": 0.9, "unit": "1"}, "dice_low": {"value": 0.8}, "dice_high": {"value": 0.95}, "time": {"value": 3}})
    )
    text = card_file(tiny_run.model, tmp_path / "CARD.md", results=results, metrics=["dice"]).read_text()
    assert "| dice | 0.9 | 0.8 – 0.95 | 1 |" in text and "| time |" not in text and "No interval is known" not in text
    with pytest.raises(CellmlError, match=r"has none of metrics=\['iou'\]; it has dice, time"):
        card_file(tiny_run.model, tmp_path / "CARD.md", results=results, metrics=["iou"])
    with pytest.raises(FileError, match="There is no results file"):
        card_file(tiny_run.model, tmp_path / "CARD.md", results=tmp_path / "none.json")
    results.write_text("{")
    with pytest.raises(FileError, match="cannot be read as JSON"):
        card_file(tiny_run.model, tmp_path / "CARD.md", results=results)


def study_of(folder: Path, model: Path, **more: Any) -> Path:
    """A study's folder with two checkpoints and results; more: files of JSON."""
    for name in ("model.ckpt", "second.ckpt"):
        (folder / name).write_bytes(model.read_bytes())
    results = {"both_iou": {"value": 0.7, "unit": "1"}, "one_iou": {"value": 0.6, "unit": "1"}}
    for name, content in {"results": results, **more}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_rows_of_a_whole_study_are_said_to_be_so(tiny_run: Any, tmp_path: Path) -> None:
    folder = study_of(tmp_path, tiny_run.model)
    text = card_file(folder / "model.ckpt", tmp_path / "CARD.md").read_text()
    said, _, table = text.partition("which has other models too (second.ckpt)")
    assert "**The rows below are of the whole study**" in said and "| both_iou |" in table and "| one_iou |" in table
    chosen = card_file(folder / "model.ckpt", tmp_path / "CARD.md", metrics=["one"]).read_text()
    assert "whole study" not in chosen and "| both_iou |" not in chosen


def test_a_card_has_the_rows_of_its_own_checkpoint_where_a_file_says_which(tiny_run: Any, tmp_path: Path) -> None:
    folder = study_of(tmp_path, tiny_run.model, models={"model.ckpt": ["one_"], "second.ckpt": []})
    text = card_file(folder / "model.ckpt", tmp_path / "CARD.md").read_text()
    assert "| one_iou | 0.6 |" in text and "both_iou" not in text and "of this checkpoint alone, by `models.json`" in text
    other = card_file(folder / "second.ckpt", tmp_path / "CARD.md").read_text()
    assert "no row is of this checkpoint alone." in other and "_iou |" not in other and "No test data" in other
    (folder / "models.json").write_text('{"second.ckpt": []}')
    assert "of the whole study" in card_file(folder / "model.ckpt", tmp_path / "CARD.md").read_text()
    for wrong in (["model.ckpt"], {"model.ckpt": "one_"}, {"model.ckpt": [""]}):
        (folder / "models.json").write_text(json.dumps(wrong))
        with pytest.raises(FileError, match="must hold an object of lists"):
            card_file(folder / "model.ckpt", tmp_path / "CARD.md")


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*/models.json")), ids=lambda path: path.parent.name)
def test_a_studys_file_names_its_checkpoints_and_rows(path: Path) -> None:
    names = json.loads((path.parent / "results.json").read_text())
    for checkpoint_name, beginnings in json.loads(path.read_text()).items():
        assert (path.parent / checkpoint_name).is_file()
        assert all(any(name.startswith(beginning) for name in names) for beginning in beginnings)


def test_known_data_come_with_licence_and_origin() -> None:
    config = {
        "_target_": "x.VolumeDataModule",
        "path": "fib25_train2",
        "labels": "fib25_train2:neurons",
        "train": [{"image": "/d/mine.npz:raw"}],
    }
    first, second = configured_facts(config)
    assert first.name == "fib25_train2" and "CC BY-SA" in first.licence and "neuroproof" in first.origin
    assert second.name == "mine.npz" and second.licence == ""
    (drawn,) = configured_facts({"_target_": "cellml.data.procedural_module.ProceduralDataModule", "seed": 0})
    assert drawn.licence == "none needed"
    (spines,) = configured_facts({"source": "spines:base"})
    assert spines.licence == "GPL-3.0 repository"
    assert data_facts({"config": "data: {path: isbi2012}"})[0].origin.startswith("github.com/zhixuhao")
