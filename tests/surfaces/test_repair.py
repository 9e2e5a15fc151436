from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshing.intersections import crossing_facets
from cellml.meshing.topology import surface_topology
from cellml.surfaces import repair
from cellml.types import Surface


def _assert_in_order(surface, *, euler=2, components=1):
    topology = surface_topology(surface.faces)
    assert (topology.closed, topology.manifold, topology.oriented) == (True, True, True)
    assert (topology.euler, topology.components) == (euler, components)
    assert len(crossing_facets(surface.vertices, surface.faces)) == 0
    assert surface.volume() > 0


def test_surface_in_order_comes_back_as_it_is(shapes):
    sphere = shapes.sphere()
    repaired, account = repair(sphere)
    assert repaired is sphere
    assert account == ()


def test_inside_out(shapes):
    repaired, account = repair(shapes.inside_out(shapes.sphere()))
    assert repaired.volume() == pytest.approx(shapes.sphere().volume())
    assert account == ("turned 1 part outwards",)


def test_soup_of_separate_faces_turned_at_random(shapes):
    soup = shapes.soup(shapes.sphere())
    rng = np.random.default_rng(0)
    turned = rng.random(len(soup.faces)) < 0.4
    faces = np.where(turned[:, None], soup.faces[:, ::-1], soup.faces)[rng.permutation(len(soup.faces))]
    repaired, account = repair(Surface(soup.vertices, faces))
    _assert_in_order(repaired)
    assert repaired.volume() == pytest.approx(shapes.sphere().volume())
    assert account[0] == f"joined {len(soup.vertices) - 642} duplicate vertices"
    assert account[1] == f"turned {turned.sum()} faces over to agree with their neighbours"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.floats(0.002, 0.08))
def test_holes_are_filled(seed, missing):
    import trimesh

    made = trimesh.creation.icosphere(subdivisions=3, radius=100.0)
    kept = np.random.default_rng(seed).random(len(made.faces)) >= missing
    repaired, _ = repair(Surface(made.vertices, made.faces[kept]))
    _assert_in_order(repaired)
    assert repaired.volume() == pytest.approx(made.volume, rel=0.01)


def test_wide_hole_takes_the_flat_lid(shapes):
    box = shapes.box(subdivisions=3)
    top = (box.vertices[box.faces][:, :, 2] > 49.9).all(axis=1)
    repaired, account = repair(Surface(box.vertices, box.faces[~top]))
    _assert_in_order(repaired)
    assert repaired.volume() == pytest.approx(1e6)
    assert account == ("filled 1 hole",)


def test_open_sheets_are_refused(shapes):
    sphere = shapes.sphere()
    half = Surface(sphere.vertices, sphere.faces[sphere.vertices[sphere.faces].mean(axis=1)[:, 2] > 0], name="cup")
    with pytest.raises(CellmlError, match=r"'cup' is an open sheet: 48 of its edges are open, in 1 rings"):
        repair(half)
    x, y = (a.ravel() * 10.0 for a in np.meshgrid(np.arange(5), np.arange(5)))
    k = np.array([5 * j + i for j in range(4) for i in range(4)])
    faces = np.concatenate([np.stack([k, k + 1, k + 5], axis=1), np.stack([k + 1, k + 6, k + 5], axis=1)])
    with pytest.raises(CellmlError, match="open sheet"):
        repair(Surface(np.stack([x, y, 0 * x], axis=1), faces))


def test_doubled_sheet_is_refused(shapes):
    square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    with pytest.raises(CellmlError, match="doubled sheet"):
        repair(Surface(square, np.array([[0, 1, 2], [0, 2, 3], [2, 1, 0], [3, 2, 0]])))
    with pytest.raises(CellmlError, match="folded on itself"):
        repair(Surface(square, np.array([[0, 1, 2], [0, 2, 3], [1, 0, 3], [1, 3, 2]])))


def test_moebius_strip_is_refused():
    turn = np.linspace(0, 2 * np.pi, 41)[:-1]

    def edge(s):
        radius = 100 + 20 * s * np.cos(turn / 2)
        return np.stack([radius * np.cos(turn), radius * np.sin(turn), 20 * s * np.sin(turn / 2)], axis=1)

    faces = []
    for i in range(40):
        c, d = (i + 1, 41 + i) if i < 39 else (40, 0)
        faces += [[i, 40 + i, c], [40 + i, d, c]]
    with pytest.raises(CellmlError, match="ambiguous|encloses nothing"):
        repair(Surface(np.concatenate([edge(-1), edge(1)]), np.array(faces)))


def test_no_faces_and_no_area():
    with pytest.raises(CellmlError, match="has no faces"):
        repair(Surface(np.zeros((4, 3)), np.zeros((0, 3))))
    on_a_line = np.outer(np.arange(9.0), [1, 2, 3])
    with pytest.raises(CellmlError, match="All 3 faces of 'surface' are without area"):
        repair(Surface(on_a_line, np.arange(9).reshape(3, 3)))


def test_nan_coordinates_are_refused_before_repair(shapes):
    vertices = shapes.sphere().vertices.copy()
    vertices[7, 1] = np.nan
    with pytest.raises(CellmlError, match="1 points with NaN"):
        Surface(vertices, shapes.sphere().faces)


def test_random_soup_is_refused():
    rng = np.random.default_rng(1)
    with pytest.raises(CellmlError):
        repair(Surface(rng.random((60, 3)) * 100, rng.integers(0, 60, (200, 3))))


def test_float32_far_from_the_origin(shapes):
    sphere = shapes.sphere()
    far = Surface((sphere.vertices + 1e6).astype(np.float32), sphere.faces)
    assert len(np.unique(far.vertices, axis=0)) == 642
    repaired, _ = repair(shapes.soup(far))
    _assert_in_order(repaired)
    assert Surface(repaired.vertices - 1e6, repaired.faces).volume() == pytest.approx(sphere.volume(), rel=1e-3)


def test_nested_spheres_bound_a_cavity_however_they_are_turned(shapes):
    outer, inner = shapes.sphere(), shapes.sphere(50.0)
    hollow = outer.volume() - inner.volume()
    for surface in (
        shapes.joined(outer, inner),
        shapes.joined(outer, shapes.inside_out(inner)),
        shapes.joined(shapes.inside_out(outer), inner),
    ):
        repaired, _ = repair(surface)
        _assert_in_order(repaired, euler=4, components=2)
        assert repaired.volume() == pytest.approx(hollow)


def test_sphere_in_a_cavity_is_solid_again(shapes):
    surface = shapes.joined(shapes.sphere(), shapes.sphere(70.0), shapes.sphere(40.0))
    repaired, account = repair(surface)
    assert repaired.volume() == pytest.approx(shapes.sphere().volume() - shapes.sphere(70.0).volume() + shapes.sphere(40.0).volume())
    assert account == ("turned 1 enclosed part inwards, as a cavity",)


def test_crossing_spheres_become_their_union(shapes):
    repaired, account = repair(shapes.joined(shapes.sphere(), shapes.sphere(centre=(120, 0, 0))), spacing_nm=20.0)
    _assert_in_order(repaired)
    lens = np.pi * (4 * 100 + 120) * (2 * 100 - 120) ** 2 / 12
    assert repaired.volume() == pytest.approx(2 * 4 / 3 * np.pi * 1e6 - lens, rel=0.03)
    assert "made the surface anew from its winding number, on a grid of 20 nm (volume -1" in account[-1]


def test_crossings_are_not_mended_one_by_one_where_the_surface_shall_be_made_anew(shapes):
    sphere = shapes.sphere()
    vertices = sphere.vertices.copy()
    vertices[0] *= -1.3
    repaired, account = repair(Surface(vertices, sphere.faces), spacing_nm=20.0, anew=True)
    assert surface_topology(repaired.faces).manifold
    assert len(crossing_facets(repaired.vertices, repaired.faces)) == 0
    assert repaired.volume() == pytest.approx(sphere.volume(), rel=0.05)
    assert "made the surface anew" in account[-1]
    assert repair(sphere, anew=True) == (sphere, ())


def test_vertex_pushed_through_the_other_side(shapes):
    sphere = shapes.sphere()
    vertices = sphere.vertices.copy()
    vertices[0] *= -1.3
    assert len(crossing_facets(vertices, sphere.faces)) > 0
    repaired, account = repair(Surface(vertices, sphere.faces))
    _assert_in_order(repaired)
    assert repaired.volume() == pytest.approx(sphere.volume(), rel=0.005)
    assert account[0].startswith("laid anew 5 faces around 10 crossings")


def test_boxes_that_share_an_edge_are_parted(shapes):
    corner = shapes.joined(shapes.box(), shapes.box(centre=(100, 100, 0)))
    _, first, one = np.unique(corner.vertices.round(6), axis=0, return_index=True, return_inverse=True)
    joined = Surface(corner.vertices[first], one.reshape(-1)[corner.faces])
    assert not surface_topology(joined.faces).manifold
    repaired, _ = repair(joined)
    topology = surface_topology(repaired.faces)
    assert topology.manifold
    assert topology.oriented
    assert repaired.volume() == pytest.approx(2e6, rel=0.04)


def test_wall_between_two_boxes_goes(shapes):
    pair = shapes.joined(shapes.box(), shapes.box(centre=(100, 0, 0)))
    _, first, one = np.unique(pair.vertices.round(6), axis=0, return_index=True, return_inverse=True)
    repaired, _ = repair(Surface(pair.vertices[first], one.reshape(-1)[pair.faces]))
    _assert_in_order(repaired)
    assert repaired.volume() == pytest.approx(2e6)


def test_debris_goes_and_says_so(shapes):
    repaired, account = repair(shapes.joined(shapes.sphere(), shapes.sphere(2.0, (300, 0, 0), 1)))
    _assert_in_order(repaired)
    assert account == ("dropped 1 piece of debris",)
    kept, account = repair(shapes.joined(shapes.sphere(), shapes.sphere(2.0, (300, 0, 0), 1)), debris=0.0)
    assert surface_topology(kept.faces).components == 2
    assert account == ()


def test_the_package_gives_the_function_after_the_module_of_that_name_was_imported():
    import importlib

    import cellml.surfaces as package

    for name in ("repair", "curvature"):
        setattr(package, name, importlib.import_module(f"cellml.surfaces.{name}"))  # as the import machinery does
        assert getattr(package, name) is getattr(importlib.import_module(f"cellml.surfaces.{name}"), name)
