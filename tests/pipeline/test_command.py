"""The whole way on two tubes, once; then what is done again when something changes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.pipeline import command, meshes
from cellml.pipeline.command import run_pipeline


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> Path:
    """A finished run, which tests may change: what they break they mend."""
    output = tmp_path_factory.mktemp("pipeline") / "run"
    run_pipeline(output=str(output), **settings)
    return output


def reused(output: Path) -> list[bool]:
    return [step["reused"] for step in json.loads((output / command.MANIFEST).read_text())["steps"]]


def test_the_posterior_of_a_tube_holds_its_closed_form(finished: Path) -> None:
    """From a uniform start to one open end of a tube of length L with both others sealed: L²/(3 D)."""
    found = json.loads((finished / "06_posterior" / "posterior.json").read_text())
    assert len(found["posteriors"]) == 2
    for posterior in found["posteriors"]:
        assert posterior["status"] == "ok" and posterior["unit"] == "s" and posterior["missing"] == 0
        assert posterior["estimate"] == pytest.approx(0.36**2 / 3, rel=0.05)
        assert posterior["low"] < posterior["geometry_low"] <= posterior["estimate"] <= posterior["geometry_high"] < posterior["high"]
        parts = {i["name"]: i for i in posterior["indices"]}
        assert parts["parameter"]["first"] == parts["parameter"]["total"] > parts["shrinkage"]["first"] > parts["mesh"]["first"]
        assert parts["parameter"]["first"] / parts["shrinkage"]["first"] == pytest.approx(0.2**2 / (2 * 0.05) ** 2)


def test_each_step_leaves_what_can_be_looked_at(finished: Path) -> None:
    for name, files in {
        "01_image": ["image.tif"],
        "02_segmentation": ["labels.tif", "labels_probabilities.tif", "objects.json"],
        "03_samples": [f"sample_{i:02d}_{j:02d}.tif" for i in range(2) for j in range(2)],
        "05_answers": ["answers.csv"],
        "06_posterior": ["posterior.json", "posterior.csv", "sobol.csv", "draws.npz", "posterior.png"],
    }.items():
        manifest = json.loads((finished / name / "manifest.json").read_text())
        assert manifest["state"] == "done" and set(files) <= set(manifest["artefacts"])
    assert len(list((finished / "04_meshes").rglob("*.vtu"))) == 2 * (1 + 2 * 2 * 2)
    with (finished / "05_answers" / "answers.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * (1 + 2 * 2 * 2) and {row["status"] for row in rows} == {"ok"}
    draws = np.load(finished / "06_posterior" / "draws.npz")
    assert all(draws[key].shape == (500,) for key in draws)


def test_nothing_is_done_twice_and_a_change_redoes_exactly_the_later_steps(
    finished: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_pipeline(output=str(finished), **settings)
    assert reused(finished) == [True] * 6
    run_pipeline(output=str(finished), **{**settings, "posterior": {"draws": 600}})
    assert reused(finished) == [True] * 5 + [False]
    run_pipeline(output=str(finished), **{**settings, "solve": {"observables": ["volume", "first_passage_time"]}})
    assert reused(finished) == [True] * 4 + [False] * 2
    (finished / "05_answers" / "answers.csv").write_text("edited")
    run_pipeline(output=str(finished), **settings, until="answers")
    assert reused(finished) == [True] * 4 + [False]
    monkeypatch.setattr(meshes, "make_meshes", None)  # an earlier step is not even begun
    run_pipeline(output=str(finished), **settings, until="samples")
    assert reused(finished) == [True] * 3


def test_a_stopped_step_goes_on_with_what_it_has(finished: Path, settings: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run_pipeline(output=str(finished), **settings)
    folder = finished / "04_meshes"
    manifest = json.loads((folder / "manifest.json").read_text())
    begun = {key: value for key, value in manifest.items() if key not in ("artefacts", "numbers")} | {"state": "begun"}
    (folder / "manifest.json").write_text(json.dumps(begun))
    kept, lost = sorted(p for p in folder.iterdir() if p.is_dir())
    before = (kept / "shapes.json").stat().st_mtime_ns
    for path in lost.iterdir():
        path.unlink()
    lost.rmdir()
    run_pipeline(output=str(finished), **settings)
    assert "going on where it was stopped" in capsys.readouterr().out
    assert (kept / "shapes.json").stat().st_mtime_ns == before and (lost / "shapes.json").is_file()
    assert reused(finished) == [True, True, True, False, True, True]
    assert not list(finished.rglob(".part*"))
    again = json.loads((folder / "manifest.json").read_text())
    assert {k: v for k, v in again["artefacts"].items() if k.endswith("json")} == {
        k: v for k, v in manifest["artefacts"].items() if k.endswith("json")
    }


def test_two_runs_in_one_folder_do_not_meet(tmp_path: Path, settings: dict[str, Any]) -> None:
    from cellml.io.alone import alone_in

    with alone_in(tmp_path), pytest.raises(CellmlError, match="Another process is working in"):
        run_pipeline(output=str(tmp_path), **settings)


def test_wrong_words_end_before_anything_is_written(tmp_path: Path, settings: dict[str, Any]) -> None:
    for change, message in [
        ({"until": "mesh"}, "until=mesh is no step"),
        ({"workers": 0}, "workers=0"),
        ({"solve": {"observables": ["speed"]}}, "has no speed; it has relaxation_time"),
        ({"samples": {"images": 1, "segmentations": 1}}, "one draw has no spread"),
        ({"image": {"wedge": [60, -60]}}, "the first and the last tilt"),
        ({"posterior": {"level": 2}}, "posterior.level=2"),
        ({"posterior": {"levels": 0.9}}, "did you mean posterior.level?"),
        ({"samples": {"images": "two"}}, "samples.images=two is not a whole number"),
        ({"samples": {"thresholds": []}}, "samples.thresholds"),
        ({"objects": {"min_voxels": 10, "max_voxels": 5}}, "min_voxels=10, max_voxels=5"),
        ({"checkpoint": ["none.ckpt"]}, "checkpoint=none.ckpt: there is no such file"),
        ({"checkpoint": []}, "names no network"),
        ({"posterior": {"calibration": "none.json"}}, "posterior.calibration=none.json: there is no such file"),
        ({"solve": {"model": "narrow_escape", "observables": ["survivors"]}}, "not known in closed form"),
    ]:
        with pytest.raises(CellmlError, match=message):
            run_pipeline(output=str(tmp_path / "run"), **{**settings, **change})
    assert not list(tmp_path.iterdir())
    (tmp_path / "01_image").mkdir()
    (tmp_path / "01_image" / "holiday.jpg").write_text("mine")
    with pytest.raises(CellmlError, match="is no step of a pipeline"):
        run_pipeline(output=str(tmp_path), **settings)
    assert (tmp_path / "01_image" / "holiday.jpg").read_text() == "mine"


def test_a_point_outside_the_image_is_told_before_the_image_is_segmented(
    tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellml.infer import command as infer

    monkeypatch.setattr(infer, "infer_file", None)
    table = tmp_path / "table.json"
    table.write_text('[{"name": "in", "point_nm": [120, 110, 100]}, {"name": "far", "point_nm": [120, 110, 9000]}]')
    with pytest.raises(CellmlError, match=r"table.json, object 'far': The point .* lies outside"):
        run_pipeline(output=str(tmp_path / "run"), **{**settings, "objects": {"table": str(table)}})
