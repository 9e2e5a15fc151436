from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing.intersections import crossing_facets
from cellml.meshing.quality import surface_angles
from cellml.meshing.topology import edges_of, surface_topology
from cellml.surfaces import condition, extract_surface
from cellml.types import Surface, Volume


def _assert_fit(surface, *, euler=2):
    topology = surface_topology(surface.faces)
    assert (topology.closed, topology.manifold, topology.oriented, topology.euler) == (True, True, True, euler)
    angles = surface_angles(surface.vertices, surface.faces)
    assert angles.min() >= 20.0
    assert angles.max() <= 130.0
    assert len(crossing_facets(surface.vertices, surface.faces)) == 0


def _edge_lengths(surface):
    a, b = edges_of(surface.faces)[0].T
    return np.linalg.norm(surface.vertices[a] - surface.vertices[b], axis=1)


@pytest.fixture(scope="module")
def marched():
    """A torus by marching tetrahedra, full of slivers."""
    z, y, x = (np.indices((12, 22, 22)) - np.array([5.5, 10.5, 10.5])[:, None, None, None]) * 15.0
    return extract_surface(Volume(np.hypot(np.hypot(x, y) - 100.0, z) - 42.0, (15.0,) * 3))


def test_slivers_of_marching_tetrahedra_go(marched):
    assert surface_angles(marched.vertices, marched.faces).min() < 2.0
    made = condition(marched, sizing=18.0)
    _assert_fit(made, euler=0)
    assert made.volume() == pytest.approx(marched.volume(), rel=1e-9)
    centre = marched.vertices.mean(axis=0)
    x, y, z = (made.vertices - centre).T
    assert np.abs(np.hypot(np.hypot(x, y) - 100.0, z) - 42.0).max() < 2.0
    assert np.median(_edge_lengths(made)) == pytest.approx(18.0, rel=0.15)


def test_edges_of_a_box_stay_sharp(shapes):
    made = condition(shapes.box(100.0, subdivisions=3), sizing=14.0)
    _assert_fit(made)
    assert made.volume() == pytest.approx(1e6, rel=1e-6)
    outside = np.abs(made.vertices).max(axis=1)
    assert np.abs(outside - 50.0).max() < 1.5
    corners = np.array(np.meshgrid([-50, 50], [-50, 50], [-50, 50])).reshape(3, -1).T
    distance = np.linalg.norm(made.vertices[:, None] - corners[None], axis=2).min(axis=0)
    assert distance.max() < 4.0


def test_refinement_and_decimation_follow_the_sizing(shapes):
    sphere = shapes.sphere(100.0, subdivisions=3)

    def finer_above(points):
        return 10.0 + 0.1 * (100.0 - points[:, 2])

    made = condition(sphere, sizing=finer_above)
    _assert_fit(made)
    a, b = edges_of(made.faces)[0].T
    middle = 0.5 * (made.vertices[a] + made.vertices[b])
    ratio = _edge_lengths(made) / finer_above(middle)
    assert np.percentile(ratio, 1) > 0.5
    assert np.percentile(ratio, 99) < 1.5


def test_denoising_takes_noise_off(shapes):
    sphere = shapes.sphere(100.0, subdivisions=4)
    rng = np.random.default_rng(0)
    rough = Surface(sphere.vertices * (1 + 0.01 * rng.normal(size=(len(sphere.vertices), 1))), sphere.faces)
    made = condition(rough, denoise_steps=5)
    _assert_fit(made)
    assert np.linalg.norm(made.vertices, axis=1).std() < 0.5 * np.linalg.norm(rough.vertices, axis=1).std()
    assert made.volume() == pytest.approx(rough.volume(), rel=1e-6)


def test_close_sheets_do_not_come_to_cross(shapes):
    """A thin shell, one part of it slid near the other: what smoothing wants would push one wall through the other."""
    inner = shapes.sphere(96.0, subdivisions=3)
    outer = shapes.sphere(100.0, subdivisions=3)
    rng = np.random.default_rng(2)
    rough = Surface(outer.vertices + rng.normal(size=outer.vertices.shape) * 0.3, outer.faces)
    shell = shapes.joined(rough, shapes.inside_out(inner))
    assert len(crossing_facets(shell.vertices, shell.faces)) == 0
    made = condition(shell, sizing=30.0, passes=2)
    assert len(crossing_facets(made.vertices, made.faces)) == 0
    assert surface_topology(made.faces).euler == 4


def test_far_from_the_origin(shapes):
    sphere = shapes.sphere()
    far = condition(Surface((sphere.vertices + 1e6).astype(np.float32), sphere.faces), passes=1)
    _assert_fit(Surface(far.vertices - 1e6, far.faces))


def test_refusals(shapes):
    sphere = shapes.sphere()
    with pytest.raises(CellmlError, match="not closed, oriented and manifold; pass it through"):
        condition(Surface(sphere.vertices, sphere.faces[1:]))
    with pytest.raises(CellmlError, match="no faces"):
        condition(Surface(sphere.vertices, np.zeros((0, 3))))
    with pytest.raises(CellmlError, match="must be positive everywhere; it goes from -3"):
        condition(sphere, sizing=-3.0)
