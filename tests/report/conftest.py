"""A small run folder made by code: a block with three bodies, meshes of balls, a table of numbers, a log."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from cellml.report.objects import ObjectRow
from cellml.report.summary import Fact, FactGroup, FieldMeaning, StageTime, Summary
from cellml.types import TetMesh

HOSTILE = "<script>alert('$1')</script> & \"quoted\" $x$ <b>bold</b>"


def ball(refinements: int = 2, stretch: float = 3.0, radius: float = 100.0) -> TetMesh:
    """A ball stretched along x, centred at the origin."""
    from skfem import MeshTet

    mesh = MeshTet.init_ball(refinements)
    points = mesh.p.T * np.array([stretch, 1.0, 1.0]) * radius
    tets = mesh.t.T.astype(np.int64)
    a, b, c, d = (points[tets[:, i]] for i in range(4))
    inverted = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0
    tets[inverted] = tets[inverted][:, [0, 2, 1, 3]]
    return TetMesh(points, tets, np.ones(len(tets), np.int32), name="ball")


def row(truth_id: str = "1", status: str = "matched", **changes) -> ObjectRow:
    """A row of objects.csv: truth 2 ms, prediction 2.5 ms."""
    values = {"predicted_id": "7", "iou": 0.8, "voxels": 900.0, "observable": "relaxation_time", "unit": "ms", "truth": 2.0}
    values |= {"prediction": 2.5, "rel_error": 0.25, "discretisation_error": 0.01, "resolved": True}
    return ObjectRow(truth_id=truth_id, status=status, **(values | changes))


def write_rows(path: Path, rows: list[ObjectRow]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(asdict(rows[0])))
        writer.writeheader()
        writer.writerows(asdict(r) for r in rows)


def write_block(folder: Path) -> None:
    rng = np.random.default_rng(0)
    truth = np.zeros((12, 16, 20), np.uint16)
    truth[:, :6], truth[:, 6:11], truth[:, 11:, 4:] = 1, 2, 3
    prediction = np.select([truth == 1, truth == 2, truth == 3], [9, 4, 4], 0).astype(np.int64)
    voxel_nm = np.array([20.0, 10.0, 10.0])
    np.savez(folder / "raw.npz", raw=rng.integers(0, 255, truth.shape, dtype=np.uint8), voxel_nm=voxel_nm)
    np.savez(folder / "truth.npz", labels=truth, voxel_nm=voxel_nm)
    np.savez(folder / "prediction.npz", labels=prediction, voxel_nm=voxel_nm)
    np.savez(folder / "boundary.npz", boundary=rng.random(truth.shape, dtype=np.float32), voxel_nm=voxel_nm)


def write_meshes(folder: Path) -> None:
    from cellml.io.meshes import write_mesh

    region = {"closed": True, "oriented": True, "manifold": True, "volume_error": -0.012}
    certificate = {"conforming": True, "crossing_facets": 0, "components": 1, "regions": {HOSTILE: region}}
    for name in ("truth_1", "prediction_1", "truth_2"):
        mesh = ball()
        write_mesh(mesh, folder / f"{name}.vtu", point_data={"concentration": mesh.points[:, 0]})
        (folder / f"{name}.json").write_text(json.dumps(certificate), encoding="utf-8")


def write_log(folder: Path) -> None:
    lines = ["epoch,step,train/loss_step,val/loss,val/adapted_rand_error,lr-Adam"]
    lines += [f"0,{step},{1 / (1 + step)},,,0.001" for step in range(50)] + ["0,24,,0.5,0.4,", "0,49,,0.3,0.2,"]
    folder.mkdir()
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_run(folder: Path) -> Path:
    write_block(folder)
    write_meshes(folder / "meshes")
    write_log(folder / "csv")
    write_rows(folder / "objects.csv", [row("1"), row("2", "unmatched", prediction=float("nan"), rel_error=1.0)])
    Summary(
        title=HOSTILE,
        warnings=[HOSTILE],
        headline=[Fact("adapted Rand error", 0.218)],
        sections=[FactGroup("Data", [Fact("voxel size", "20 × 10 × 10", "nm", HOSTILE)])],
        timings=[StageTime("training", 361.0, 480.0, "shortened"), StageTime("report", 3.0)],
        nodal_field=FieldMeaning("concentration", "µM"),
        seed=7,
        machine={"cores": 2},
        versions={"torch": "2.13.0"},
        config=f"task: {HOSTILE}",
    ).write(folder)
    return folder


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """Figures are made but not rendered, which takes most of the time of a report."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, file, **options: file.write(b"figure"))


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory) -> Path:
    """A complete run folder; do not change it."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "meshes").mkdir()
    return write_run(folder)


@pytest.fixture
def run_copy(finished_run, tmp_path) -> Path:
    """A complete run folder of one's own."""
    import shutil

    return Path(shutil.copytree(finished_run, tmp_path / "run"))
