"""What becomes of labels that touch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from cellml.errors import CellmlError
from cellml.meshing import Gate, MeshingError, mesh_labels
from cellml.meshing.topology import facet_pairs
from cellml.types import Labels

SPACING = (10.0, 10.0, 10.0)


@pytest.fixture(scope="module")
def boxes():
    data = np.zeros((12, 12, 22), np.uint8)
    data[2:10, 2:10, 2:11], data[2:10, 2:10, 11:20] = 1, 2
    return Labels(data, SPACING)


@pytest.fixture(scope="module")
def cell():
    """A cell with an organelle that touches its membrane over a face of 80 × 80 nm."""
    data = np.zeros((18, 18, 18), np.uint8)
    data[2:16, 2:16, 2:16], data[5:13, 5:13, 2:10] = 1, 2
    return Labels(data, SPACING, names={1: "cytosol", 2: "organelle"})


def _points(mesh, region):
    return mesh.points[np.unique(mesh.tets[mesh.regions == region])]


def test_fused_labels_share_their_interface(cell):
    result = mesh_labels(cell, membranes={"PM": ("cytosol", 0), "OM": (2, 1)})
    assert result.certificate.passes(Gate()) == []
    areas = result.certificate.facet_areas_nm2
    assert set(areas) == {"PM", "OM", "membrane"}
    assert areas["membrane"] == pytest.approx(80.0**2, rel=0.15)  # where the organelle looks out of the cell
    assert areas["OM"] == pytest.approx(5 * 80.0**2, rel=0.15)
    assert facet_pairs(result.mesh.tets).shared.max() == 2


def test_a_cleft_to_the_background_keeps_boxes_apart(boxes):
    result = mesh_labels(boxes, contact="cleft")
    assert result.certificate.passes(Gate()) == []
    mesh = result.mesh
    assert set(mesh.facet_names.values()) == {"membrane"}  # no interface
    assert result.certificate.components == 2
    one, other = _points(mesh, 1), _points(mesh, 2)
    assert cKDTree(one).query(other)[0].min() > 3.0
    assert one[:, 0].max() < 106.0 < other[:, 0].min() + 1.0
    for region in result.certificate.regions.values():
        assert abs(region.volume_error) < 0.005


def test_a_wider_cleft_is_wider(boxes):
    result = mesh_labels(boxes, contact="cleft", cleft_nm=20.0)
    assert result.certificate.passes(Gate()) == []
    assert "labels are kept 20 nm apart" in result.certificate.repairs[-1]
    one, other = _points(result.mesh, 1), _points(result.mesh, 2)
    assert 12.0 < other[:, 0].min() - one[:, 0].max() < 22.0
    assert result.certificate.components == 2


def test_an_organelle_is_kept_off_the_membrane_by_its_host(cell):
    result = mesh_labels(cell, contact="cleft", host=1)
    assert result.certificate.passes(Gate()) == []
    assert set(result.mesh.facet_names.values()) == {"membrane", "cytosol|organelle"}
    outside = result.mesh.points[np.unique(result.mesh.facets_named("membrane"))]
    assert cKDTree(outside).query(_points(result.mesh, 2))[0].min() > 10.0
    region = result.certificate.regions["cytosol"]
    assert (region.euler_before, region.euler) == (2, 4)  # the cytosol now surrounds it, and the certificate says so
    assert region.topology_changed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contact": "glue"}, "contact=glue is not known; use fuse or cleft"),
        ({"contact": "cleft", "cleft_nm": 0.0}, "cleft_nm must be a positive length in nm, got 0.0"),
        ({"contact": "cleft", "cleft_nm": float("nan")}, "positive length"),
        ({"contact": "cleft", "host": 7}, r"host=7 is none of the labels that are meshed \(1, 2\) and not 0"),
        ({"contact": "cleft", "cleft_nm": 10.0}, r"cleft_nm = 10 is below 1.5 voxels \(15 nm\).*contact=\"fuse\""),
    ],
)
def test_rules_that_cannot_be(boxes, arguments, message):
    with pytest.raises(CellmlError, match=message):
        mesh_labels(boxes, **arguments)


def test_a_cleft_too_thin_is_a_refusal(boxes):
    with pytest.raises(MeshingError, match="below 1.5 voxels"):
        mesh_labels(boxes, contact="cleft", cleft_nm=5.0)
