"""The nouns check themselves."""

from __future__ import annotations

import numpy as np
import pytest

from cellml import CellmlError, Labels, Surface, TetMesh, Volume
from cellml.types import TiltSeries

CORNER = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize("spacing", [(0, 1, 1), (-1, 1, 1), (np.nan, 1, 1), (1, 1), "wide", (1e-8, 1e-8, 1e-8), (1e12, 1, 1)])
def test_a_spacing_that_cannot_be_is_refused(spacing: object) -> None:
    with pytest.raises(CellmlError, match="spacing"):
        Volume(np.zeros((2, 2, 2)), spacing)  # type: ignore[arg-type]


def test_axes_and_shape_must_agree() -> None:
    with pytest.raises(CellmlError, match="axes are 'ZYX'"):
        Volume(np.zeros((2, 2)), (1, 1, 1))
    assert Volume(np.zeros((3, 2, 4, 5)), (1, 1, 1), axes="CZYX").shape == (2, 4, 5)


def test_labels_are_whole_and_not_negative() -> None:
    assert Labels(np.full((2, 2, 2), 3.0), (1, 1, 1)).data.dtype == np.int64
    with pytest.raises(CellmlError, match="fractional"):
        Labels(np.full((2, 2, 2), 0.5), (1, 1, 1))
    with pytest.raises(CellmlError, match="negative labels \\(smallest -1\\)"):
        Labels(np.full((2, 2, 2), -1), (1, 1, 1))


def test_volume_and_areas_of_a_corner_tetrahedron() -> None:
    surface = Surface(CORNER, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]))
    assert surface.volume() == pytest.approx(1 / 6)
    assert np.sort(surface.areas()) == pytest.approx([0.5, 0.5, 0.5, np.sqrt(3) / 2])
    mesh = TetMesh(CORNER, np.array([[0, 1, 2, 3]]), np.array([1]), {1: "cell"})
    assert mesh.region_volumes() == pytest.approx({"cell": 1 / 6})


def test_a_mirrored_mesh_is_told_as_a_whole() -> None:
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    tets = np.array([[0, 1, 2, 3], [1, 2, 3, 4]])
    good = TetMesh(points, tets, np.ones(2))
    with pytest.raises(CellmlError, match=r"mirrored as a whole: all of its 2 tetrahedra .* swap two of each .* turn it back"):
        TetMesh(points * [1, 1, -1], tets, np.ones(2))
    mended = TetMesh(points * [1, 1, -1], tets[:, [0, 2, 1, 3]], np.ones(2))
    assert mended.volumes() == pytest.approx(good.volumes())


def test_an_inverted_tetrahedron_is_named_with_its_volume() -> None:
    with pytest.raises(CellmlError, match=r"1 inverted or flat tetrahedra \(number 0 has volume -0.167"):
        TetMesh(CORNER, np.array([[0, 2, 1, 3]]), np.array([1]))


def test_cells_beyond_the_points_and_unknown_names_are_refused() -> None:
    with pytest.raises(CellmlError, match="point at vertex 4, but there are 4"):
        Surface(CORNER, np.array([[0, 1, 4]]))
    mesh = TetMesh(CORNER, np.array([[0, 1, 2, 3]]), np.array([1]), {}, np.array([[0, 2, 1]]), np.array([7]), {7: "membrane"})
    assert mesh.facets_named("membrane").tolist() == [[0, 2, 1]]
    with pytest.raises(CellmlError, match="no facets named 'cut'; it has: membrane"):
        mesh.facets_named("cut")


def tilt_series(angles: object = (-10.0, 0.0, 10.0), **changed: object) -> TiltSeries:
    return TiltSeries(**{"data": np.zeros((3, 4, 5)), "angles": angles, "pixel": 1.5, **changed})  # type: ignore[arg-type]


def test_a_tilt_series_knows_its_tilts() -> None:
    series = tilt_series((20, -20, 0), pretilt=5.0)  # unsorted is fine
    assert series.tilts.tolist() == [25, -15, 5]
    assert series.angles.dtype == np.float64
    assert len(series.doses) == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"data": np.zeros((4, 5))}, r"non-empty \(projection, Y, X\) stack, got shape \(4, 5\)"),
        ({"data": np.zeros((3, 0, 5))}, r"got shape \(3, 0, 5\)"),
        ({"angles": (-10, 10)}, "has 3 projections but 2 angles"),
        ({"angles": (-10, np.nan, 10)}, r"not finite numbers: \[nan\]"),
        ({"angles": (-10, 0, 190)}, "an angle of 190°"),
        ({"angles": (7, 7, 7)}, "All 3 projections .* at 7°: a range of 0°"),
        ({"angles": (-10, 0, -10)}, r"more than once \(-10°\)"),
        ({"data": np.zeros((1, 4, 5)), "angles": (0,)}, "one projection"),
        ({"doses": (1.0, 2.0)}, "3 projections but 2 doses"),
        ({"pixel": -1.0}, "pixel size .* must be positive"),
        ({"pixel": 1e-9}, "probably in another unit"),
        ({"axis_angle": np.nan}, "axis angle"),
        ({"pretilt": 400.0}, "pre-tilt"),
    ],
)
def test_what_cannot_be_a_tilt_series(changed: dict[str, object], words: str) -> None:
    with pytest.raises(CellmlError, match=words):
        tilt_series(**changed)
