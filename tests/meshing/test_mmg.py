from __future__ import annotations

import sys

import numpy as np
import pytest

from cellml.meshing import MeshingError, mesh_labels, mmg
from cellml.meshing.cut import volumes
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import boundary_facets
from cellml.types import Labels

LABELS = Labels(np.pad(np.ones((6, 6, 6), np.uint8), 3), (10.0, 10.0, 10.0))


def _worker(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_worker_that_aborts_becomes_an_error_with_the_signal(monkeypatch):
    monkeypatch.setattr(mmg, "WORKER", _worker("import os; os.abort()"))
    with pytest.raises(MeshingError, match=r"MMG made no mesh of \d+ tetrahedra: its process was ended by signal 6"):
        mesh_labels(LABELS)


def test_worker_that_fails_becomes_an_error_with_its_last_words(monkeypatch):
    monkeypatch.setattr(mmg, "WORKER", _worker("raise RuntimeError('metric is not positive')"))
    with pytest.raises(MeshingError, match=r"ended with code 1 \(RuntimeError: metric is not positive\)"):
        mesh_labels(LABELS)


def test_worker_that_hangs_is_stopped(monkeypatch):
    monkeypatch.setattr(mmg, "WORKER", _worker("import time; time.sleep(60)"))
    with pytest.raises(MeshingError, match=r"its process was stopped after 1.\d+ s \(timeout_s = 1.5\); give a larger timeout_s"):
        mesh_labels(LABELS, timeout_s=1.5)


def test_worker_that_writes_nothing_is_noticed(monkeypatch):
    monkeypatch.setattr(mmg, "WORKER", _worker("pass"))
    with pytest.raises(MeshingError, match="it wrote nothing"):
        mesh_labels(LABELS)


def _tetrahedra():
    points, tets = body_centred_cubic(np.zeros(3), np.full(3, 30.0), np.ones((3, 3, 3), bool))
    facets = boundary_facets(tets)
    return {
        "points": points,
        "tets": tets,
        "regions": np.full(len(tets), 3, np.int32),
        "triangles": facets,
        "triangle_tags": np.full(len(facets), 7, np.int64),
        "ridges": np.zeros((0, 2), np.int64),
    }


def test_regions_tags_and_volume_survive():
    done = mmg.remesh(_tetrahedra(), [{"hmax": 15.0, "angle": 45}], timeout_s=60.0, allowed_s=60.0)
    assert set(done.regions.tolist()) == {3}
    assert set(done.triangle_tags.tolist()) == {7}
    assert volumes(done.points, done.tets).sum() == pytest.approx(27000.0)
    assert (done.passes_run, done.interrupted) == (1, "")
    assert done.cpu_s > 0
    assert done.versions["mmg"].startswith("5.")


def test_finished_pass_survives_a_crash_in_the_next(monkeypatch):
    code = "import sys, os; from cellml.meshing.mmg_worker import main; main(sys.argv[1], sys.argv[2]); os.abort()"
    monkeypatch.setattr(mmg, "WORKER", _worker(code))
    done = mmg.remesh(_tetrahedra(), [{"hmax": 15.0, "angle": 45}], timeout_s=60.0, allowed_s=60.0)
    assert volumes(done.points, done.tets).sum() == pytest.approx(27000.0)
    assert done.interrupted.startswith("its process was ended by signal 6")
