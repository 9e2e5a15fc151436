from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cellml.meshing import Gate
from cellml.meshing.inspection import certify_mesh
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import boundary_facets
from cellml.report.certificate_sections import certificate_tables
from cellml.types import Labels, TetMesh

from .conftest import HOSTILE


@pytest.fixture(scope="module")
def certificate():
    """Two regions side by side, compared with voxels, with a name that would be markup."""
    points, tets = body_centred_cubic(np.zeros(3), np.array([60.0, 40.0, 40.0]), np.ones((6, 4, 4), bool))
    facets = boundary_facets(tets)
    regions = np.where(points[tets].mean(axis=1)[:, 2] < 30, 1, 2)
    mesh = TetMesh(points, tets, regions, {1: "soma", 2: HOSTILE}, facets, np.ones(len(facets)), {1: "PM"})
    labels = Labels(np.repeat([1, 2], 48).reshape(6, 4, 4), (10.0, 10.0, 10.0), origin=(5.0, 5.0, 5.0))
    return replace(certify_mesh(mesh, labels), repairs=("one tunnel was closed",))


def _page(*certificates):
    return str(certificate_tables([("object 1", "truth", json.loads(json.dumps(c))) for c in certificates]))


def test_everything_is_shown_and_nothing_is_markup(certificate):
    page = _page(certificate.as_dict())
    titles = ("Shapes of tetrahedra", "Topology of each region", "Volume and distance", "Named facets", "Triple lines", "What was repaired")
    assert [title for title in titles if title not in page] == []
    assert "one tunnel was closed" in page
    assert '<td class="text">PM</td>' in page
    assert "it does so nowhere else" in page
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


def test_the_verdict_of_the_gate_and_its_reasons(certificate):
    passed, failed = certificate.as_dict(Gate(volume_error=0.5, thin_volume_error=0.5)), certificate.as_dict(Gate(min_dihedral_deg=60.0))
    assert "passed" in _page(passed)
    assert "Why a gate was failed" not in _page(passed)
    assert "smallest dihedral angle 45.0° is below 60°" in _page(failed)


def test_what_changed_stands_as_before_and_after(certificate):
    soma = replace(certificate.regions["soma"], euler_before=-4, euler=2, components_before=3, components=1)
    page = _page(replace(certificate, regions={"soma": soma}, other_branching_edges=2).as_dict())
    assert "−4 → 2" in page
    assert "3 → 1" in page
    assert "it does so at 2 other edges, which are defects" in page


@pytest.mark.parametrize(
    "older",
    [
        {"conforming": True},
        {"conforming": True, "regions": {"a": {"closed": True, "volume_error": -0.012, "voxel_volume_nm3": 1e9, "volume_nm3": 0.988e9}}},
        {"regions": {"a": {"quality": {"tets": 5}}}, "gate_failures": []},
    ],
)
def test_older_certificates_show_dashes(older):
    page = _page(older)
    assert "–" in page
    assert "Certificates in full" in page


def test_long_tables_are_folded(certificate):
    page = _page(*[certificate.as_dict()] * 8)
    assert "<summary>Topology of each region (16 rows)</summary>" in page
    assert "<h3>Topology" not in page
