from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing import Gate, MeshingError
from cellml.meshing.fields import mesh_fields, volumes_of
from cellml.types import Volume

SPACING = (10.0, 10.0, 10.0)


def _radius(shape=(20, 20, 20), centre=(95.0, 95.0, 95.0)):
    z, y, x = np.meshgrid(*(np.arange(n) * 10.0 for n in shape), indexing="ij")
    return np.sqrt((z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2)


@pytest.fixture(scope="module")
def soma():
    return mesh_fields({"soma": Volume(_radius() - 75.0, SPACING, (1000.0, 0.0, -50.0))})


def test_a_ball_has_its_volume_its_place_and_its_normals(soma):
    assert soma.certificate.passes(Gate()) == []
    assert soma.mesh.region_volumes()["soma"] == pytest.approx(4 / 3 * np.pi * 75.0**3, rel=0.01)
    at = soma.mesh.points[np.unique(soma.mesh.facets)] - [45.0, 95.0, 1095.0]
    assert np.linalg.norm(at, axis=1) == pytest.approx(np.full(len(at), 75.0), abs=2.0)  # a fifth of a voxel
    a, b, c = (soma.mesh.points[soma.mesh.facets[:, i]] - [45.0, 95.0, 1095.0] for i in range(3))
    normal, middle = np.cross(b - a, c - a), a + b + c
    cosine = np.einsum("ij,ij->i", normal, middle) / np.linalg.norm(normal, axis=1) / np.linalg.norm(middle, axis=1)
    assert cosine.min() > np.cos(np.radians(12.0))


def test_nested_regions():
    radius = _radius()
    fields = {"cytosol": Volume(np.maximum(radius - 80.0, 45.0 - radius), SPACING), "er": Volume(radius - 45.0, SPACING)}
    result = mesh_fields(fields, membranes={"PM": ("cytosol", 0), "ERM": ("er", "cytosol")})
    assert result.certificate.passes(Gate()) == []
    assert set(result.mesh.facet_names.values()) == {"PM", "ERM"}
    assert result.mesh.region_names == {1: "cytosol", 2: "er"}
    volumes = result.mesh.region_volumes()
    assert volumes["er"] == pytest.approx(4 / 3 * np.pi * 45.0**3, rel=0.02)
    assert volumes["cytosol"] == pytest.approx(4 / 3 * np.pi * (80.0**3 - 45.0**3), rel=0.01)
    assert result.certificate.regions["cytosol"].euler == 4


def test_a_field_that_reaches_the_border_is_cut_there():
    result = mesh_fields({"soma": Volume(_radius((14, 18, 18), (0.0, 85.0, 85.0)) - 65.0, SPACING)})
    assert result.certificate.passes(Gate()) == []
    assert set(result.mesh.facet_names.values()) == {"membrane", "cut_z0"}
    assert result.mesh.points[:, 2].min() == -5.0


def test_volume_below_zero_is_counted_to_a_part_of_a_voxel():
    radius = _radius()
    for size in (40.0, 61.3, 77.7):
        assert volumes_of({1: radius - size}, 10.0, 1000.0)[1] == pytest.approx(4 / 3 * np.pi * size**3, rel=(10.0 / size) ** 2 / 3)
    z = np.arange(20.0).reshape(-1, 1, 1) * 10.0 * np.ones((1, 4, 4))
    halves = volumes_of({1: z - 83.0, 2: 83.0 - z}, 10.0, 1000.0)
    assert halves == pytest.approx({1: 16 * 100 * 88.0, 2: 16 * 100 * 112.0})


def test_values_must_be_finite():
    data = _radius() - 50.0
    data[3, 4, 5], data[0, 0, 0] = np.nan, np.inf
    with pytest.raises(CellmlError, match="The signed distance 'soma' holds 2 NaN or infinite values"):
        mesh_fields({"soma": Volume(data, SPACING)})


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_one_sign_only(sign):
    with pytest.raises(MeshingError, match="'soma' has one sign only"):
        mesh_fields({"soma": Volume(sign * (_radius() + 1.0), SPACING)})


def test_a_field_that_is_never_the_least_says_so():
    fields = {"cell": Volume(_radius() - 80.0, SPACING), "er": Volume(_radius() - 40.0, SPACING)}
    with pytest.raises(MeshingError, match="'er' lies deepest nowhere"):
        mesh_fields(fields)


@pytest.mark.parametrize(
    "other",
    [
        Volume(_radius((20, 20, 19)) - 40.0, SPACING),
        Volume(_radius() - 40.0, (10.0, 10.0, 11.0)),
        Volume(_radius() - 40.0, SPACING, (5.0, 0.0, 0.0)),
    ],
    ids=["shape", "spacing", "origin"],
)
def test_grids_must_agree(other):
    with pytest.raises(CellmlError, match="The signed distances 'cell' and 'er' lie on different grids"):
        mesh_fields({"cell": Volume(_radius() - 80.0, SPACING), "er": other})


def test_number_of_fields_and_axes():
    with pytest.raises(CellmlError, match="takes 1 to 256 signed distances, got 0"):
        mesh_fields({})
    with pytest.raises(CellmlError, match="must have axes ZYX, got 'CZYX'"):
        mesh_fields({"a": Volume(np.zeros((2, 4, 4, 4)), SPACING, axes="CZYX")})
