from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.pipeline.posterior import Posterior
from cellml.pipeline.recipe import PosteriorStep
from cellml.report.document import build_report
from cellml.report.pipeline_slices import _renumbered
from cellml.report.posterior_section import posterior_section
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.shape_answers_section import read_shape_answers, shape_answers_section
from cellml.uncertainty.sobol import Index

from .conftest import ball


def pipeline(folder: Path) -> Path:
    """A run with one answer and one object without."""
    place = folder / "06_posterior"
    place.mkdir()
    indices = tuple(Index(name, 0.2, 0.1, 0.3, 0.25, 0.1, 0.4) for name in ("image", "segmentation", "parameter"))
    good = Posterior("17", "first_passage_time", "s", 0.2, 0.21, 0.15, 0.28, 0.1, 0.4, 12, 0.25, 0.1, "ok", indices, "from 2 shapes: <few>")
    bad = Posterior("18", "first_passage_time", "s", None, None, None, None, None, None, 0, 1.0, None, "too few answers: <no end>")
    content = {"settings": asdict(PosteriorStep()), "summary": {}, "posteriors": [asdict(good), asdict(bad)]}
    (place / "posterior.json").write_text(json.dumps(content))
    np.savez(place / "draws.npz", **{"17 first_passage_time": np.random.default_rng(0).lognormal(-1.6, 0.3, 500)})
    return place


def test_the_posterior_of_a_pipeline_is_a_section_of_the_report(tmp_path: Path) -> None:
    pipeline(tmp_path)
    (tmp_path / "04_meshes" / "object_17").mkdir(parents=True)
    (tmp_path / "04_meshes" / "object_17" / "shapes.json").write_text("{}")
    (tmp_path / "04_meshes" / "object_17" / "sample_00_00_mesh_0.vtu").write_text("none of the report's")
    page = build_report(tmp_path, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Posterior" in page and "first passage time" in page and "0.15" in page and "25 %" in page
    assert "&lt;no end&gt;" in page and "Korogod" in page and "none of the report" not in page
    assert "Note on 17: from 2 shapes: &lt;few&gt;." in page


def test_a_damaged_posterior_is_told_and_none_is_no_section(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(AbsentError):
        posterior_section(RunFolder(tmp_path))
    place = pipeline(tmp_path)
    (place / "draws.npz").unlink()
    with pytest.raises(FileError, match=r"draws.npz"):
        posterior_section(RunFolder(tmp_path))
    (place / "posterior.json").write_text('{"posteriors": [{}]}')
    with pytest.raises(FileError, match="no posteriors"):
        posterior_section(RunFolder(tmp_path))


def test_answers_of_drawn_shapes_are_a_section_too(tmp_path: Path) -> None:
    lines = ["side,shape,observable,unit,value,status,reason"]
    lines += [f"real,{k},volume,um^3,{1 + 0.1 * k},ok," for k in range(5)]
    lines += [f"generated,{k},volume,um^3,{2 + 0.1 * k},ok," for k in range(4)] + ["generated,x,volume,,nan,refused,holes"]
    (tmp_path / "shape_answers.csv").write_text("\n".join(lines) + "\n")
    section = shape_answers_section(RunFolder(tmp_path))
    assert "20 %" in section and "1.79" in section and "<svg" not in section  # median 2.15 over 1.2
    (tmp_path / "shape_answers.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FileError, match="no table"):
        read_shape_answers(tmp_path / "shape_answers.csv")


def test_a_pipeline_shows_its_image_its_labels_and_a_mesh_of_each_object_and_claims_no_absence(tmp_path: Path) -> None:
    from cellml.io import write_labels, write_mesh, write_volume
    from cellml.types import Labels, Volume

    (tmp_path / "pipeline.json").write_text("{}")
    data = np.zeros((20, 24, 28), np.uint16)
    data[2:9], data[11:18] = 5, 7
    for name in ("01_image", "02_segmentation", "04_meshes"):
        (tmp_path / name).mkdir()
    write_volume(Volume(data.astype(np.float32), (10.0, 10.0, 10.0)), tmp_path / "01_image" / "image.tif")
    assert "Slices" in build_report(tmp_path, tmp_path / "begun.html").read_text(encoding="utf-8")  # of a run that went no further
    write_labels(Labels(data, (10.0, 10.0, 10.0)), tmp_path / "02_segmentation" / "labels.tif")
    followed = [{"name": "12", "point_nm": [140, 100, 100]}, {"name": "5", "point_nm": [50, 100, 100]}]
    (tmp_path / "02_segmentation" / "objects.json").write_text(json.dumps(followed))
    for number in (12, 5):
        folder = tmp_path / "04_meshes" / f"object_{number}"
        folder.mkdir()
        (folder / "shapes.json").write_text("{}")
        (folder / "sample_00_00_mesh_0.vtu").write_text("none of the report's")
        write_mesh(ball(1), folder / "reference.vtu")
    assert [mesh.object_id for mesh in RunFolder(tmp_path).meshes] == ["5", "12"]
    pipeline(tmp_path)
    page = build_report(tmp_path, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Planes through object 5, of 2" in page and "Geometry in 3D" in page and "Mesh quality" in page
    assert "Not in this report" not in page and "there is no" not in page


def test_followed_objects_bear_their_names_in_the_slices_and_no_other_label_does() -> None:
    labels = np.array([[[0, 5, 7, 12]]])
    found = _renumbered(labels, [(0, 0, 2), (0, 0, 1)], [12, 3])
    assert found[0, 0].tolist() == [0, 3, 12, 24]
