"""cellml generate and cellml morph from a checkpoint to folders: meshes that can be simulated, labels that can be read again."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.data.shape_module import ShapeDataModule
from cellml.errors import CellmlError, FileError
from cellml.nets.shape_distribution import ShapeDistribution
from cellml.shapes.generation import opened
from cellml.shapes.generation.command import generate_file
from cellml.shapes.generation.likelihood import likelihood_of, rarity_text
from cellml.shapes.paths.command import morph_file
from cellml.tasks.shape_distribution import ShapeDistributionTask
from cellml.tasks.shape_target import ShapeTarget
from tests.shapes.populations import Stars, ellipsoids

_QUICK: dict[str, Any] = {"voxels": 800}


@pytest.fixture(scope="module")
def task() -> ShapeDistributionTask:
    """A Gaussian over ellipsoids."""
    data = ShapeDataModule(ellipsoids, Stars(), fold=None)
    data.setup()
    made = ShapeDistributionTask(ShapeDistribution(latent=4, replicas=10), ShapeTarget(), Stars())
    made.net.fit(data, made.target)
    return made


@pytest.fixture
def checkpoint(task: ShapeDistributionTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file that opens as the task; what checkpoints are made of is tested elsewhere."""
    path = tmp_path / "model.ckpt"
    path.write_text("a model")
    monkeypatch.setattr(opened, "open_model", lambda *_: task)
    return str(path)


def test_generated_shapes_are_meshes_with_their_account(checkpoint: str, tmp_path: Path) -> None:
    from cellml.io import read_labels, read_mesh

    folder = tmp_path / "spines"
    facts = generate_file(checkpoint, str(folder), count=2, modes=1, formats=("vtu", "ply"), labels_nm=60.0, **_QUICK)
    assert facts["certified"] == 2
    assert {p.name for p in folder.iterdir()} >= {
        "0000.vtu",
        "0001.ply",
        "average.vtu",
        "mode1_high.vtu",
        "modes.png",
        "shapes.png",
        "modes.csv",
    }
    rows = list(csv.DictReader((folder / "shapes.csv").open()))
    mesh = read_mesh(folder / "0000.vtu")
    assert float(rows[0]["volume_nm3"]) == pytest.approx(mesh.volumes().sum(), rel=1e-3)
    told = json.loads((folder / "provenance.json").read_text())
    assert told["checkpoint"]["sha256"] == opened.sha256(Path(checkpoint))
    assert told["given"]["seed"] == 0
    assert told["shapes"][0]["files"] == ["0000.vtu", "0000.ply", "0000.json"]
    labels = read_labels(folder / "labels.zarr")
    counts = np.bincount(labels.data.ravel())[1:] * 60.0**3
    np.testing.assert_allclose(counts, [float(row["volume_nm3"]) for row in rows[:2]], rtol=0.1)
    assert not labels.data[:, [0, -1]].any()
    assert not labels.data[[0, -1]].any()


def test_a_draw_that_is_refused_is_replaced_and_told_of(
    checkpoint: str, task: ShapeDistributionTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cellml.shapes.generation import made

    seen, certify = [], made.certified_shape

    def picky(surface: Any, **options: Any) -> Any:
        seen.append(surface)
        if len(seen) == 1:
            raise CellmlError("its neck is too thin")
        return certify(surface, **options)

    monkeypatch.setattr(made, "certified_shape", picky)
    facts = generate_file(checkpoint, str(tmp_path / "spines"), count=2, average=False, picture=False, **_QUICK)
    assert (facts["asked"], facts["certified"], facts["refused"]) == (2, 2, 1)
    rows = list(csv.DictReader((tmp_path / "spines" / "shapes.csv").open()))
    assert [row["name"] for row in rows] == ["0000", "0001", "0000_refused1"]
    assert [bool(row["refused"]) for row in rows] == [False, False, True]
    first, again = (np.array(facts["shapes"][n]["code"]) for n in (2, 0))
    assert np.abs(first - again).max() > 1e-3
    np.testing.assert_allclose(first, task.sample(2, 0)[0], atol=1e-5)
    assert "0000 was drawn again: its neck is too thin" in " ".join(capsys.readouterr().out.split())


def test_a_path_has_its_density_its_pictures_and_frames_that_can_be_simulated(checkpoint: str, tmp_path: Path) -> None:
    from cellml.sim.command import simulate_file

    folder = tmp_path / "path"
    facts = morph_file(checkpoint, str(folder), start="likely", end="unlikely", frames=3, rarity=0.05, **_QUICK)
    densities = [one["log_density"] for one in facts["shapes"]]
    assert densities == sorted(densities, reverse=True)
    assert facts["shapes"][-1]["rarity"] == pytest.approx(0.05, rel=0.05)
    assert (folder / "filmstrip.png").stat().st_size > 5000
    assert (folder / "movie.gif").read_bytes()[:3] == b"GIF"
    simulate_file(mesh=str(folder / "002.vtu"), model="diffusion", output=str(tmp_path / "solution"))
    assert any((tmp_path / "solution").iterdir())


def test_shapes_as_rare_as_asked_for(task: ShapeDistributionTask) -> None:
    likely = likelihood_of(task, 0)
    assert likely is not None
    np.testing.assert_allclose(likely.rarity(likely.codes_at(1e-3, 4)), 1e-3, rtol=0.02)
    np.testing.assert_allclose(likely.rarity(likely.codes_at(0.5, 2)), 0.5, rtol=0.05)


def test_bad_calls_write_nothing_and_say_why(checkpoint: str, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "thesis.txt").write_text("keep")
    with pytest.raises(FileError, match="holds no generated shapes"):
        generate_file(checkpoint, str(folder), overwrite=True)
    out = str(tmp_path / "out")
    for call, said in (
        ({"count": 0}, "count=0 must be"),
        ({"formats": ("doc",)}, "names .doc"),
        ({"rarity": 2.0}, "one in a thousand"),
    ):
        with pytest.raises(CellmlError, match=said):
            generate_file(checkpoint, out, **call)  # type: ignore[arg-type]
    with pytest.raises(CellmlError, match="no end of a path"):
        morph_file(checkpoint, out, end="probable")
    with pytest.raises(CellmlError, match="linear or geodesic"):
        morph_file(checkpoint, out, end="random", kind="curved")
    assert not Path(out).exists()


def test_rarity_in_words() -> None:
    assert [rarity_text(x) for x in (0.001, 0.4, float("nan"), 0.0123)] == ["one in 1000", "40 % are rarer", "", "one in 81"]
