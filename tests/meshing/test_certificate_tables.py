from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from rich.console import Console

from cellml.meshing.certificate_tables import certificate_tables
from cellml.meshing.inspection import certify_mesh
from cellml.meshing.lattice import body_centred_cubic
from cellml.types import Labels, TetMesh


def _text(certificate) -> str:
    console = Console(file=io.StringIO(), width=200)
    for table in certificate_tables(certificate):
        console.print(table)
    return console.file.getvalue()


def test_tables_state_what_the_certificate_does():
    points, tets = body_centred_cubic(np.zeros(3), np.array([60.0, 40.0, 40.0]), np.ones((6, 4, 4), bool))
    halves = TetMesh(points, tets, np.where(points[tets].mean(axis=1)[:, 2] < 30, 1, 2), {1: "soma", 2: "neck"}, name="spine")
    alone = _text(certify_mesh(halves))
    assert "spine: " in alone
    assert "closed manifold" in alone
    assert "outside, soma, neck" in alone
    assert "45.0, 45.0, " in alone

    labels = Labels(np.repeat([1, 2], 48).reshape(6, 4, 4), (10.0, 10.0, 10.0), origin=(5.0, 5.0, 5.0))
    found = certify_mesh(halves, labels)
    neck = replace(found.regions["neck"], euler_before=0, manifold=False)
    compared = _text(replace(found, regions=found.regions | {"neck": neck}))
    assert "2 (source 0)" in compared
    assert "not manifold" in compared
    assert f"{100 * neck.volume_error:+.2f} %" in compared


def test_one_region_has_no_line_and_no_sum():
    points, tets = body_centred_cubic(np.zeros(3), np.array([20.0, 20.0, 20.0]), np.ones((2, 2, 2), bool))
    text = _text(certify_mesh(TetMesh(points, tets, np.ones(len(tets)))))
    assert "Lines of three" not in text
    assert " all " not in text
