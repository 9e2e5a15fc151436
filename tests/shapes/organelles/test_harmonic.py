"""The harmonic coordinate against closed forms, and frames of hosts."""

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.organelles.frame import frame_of, principal_axes
from cellml.shapes.organelles.harmonic import harmonic_coordinate
from cellml.shapes.organelles.host import Host, host_of_labels
from cellml.types import Labels


def concentric(n: int = 40, cell: float = 18, nucleus: float = 7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r = np.sqrt(((np.indices((n, n, n)) - (n - 1) / 2) ** 2).sum(axis=0))
    return r < cell, r < nucleus, r


def ball_host(**options: float) -> Host:
    inside, inner, _ = concentric(**options)
    return host_of_labels(Labels(inside.astype(np.uint8) + inner, (10.0, 10.0, 10.0)), 1, 2)


def test_a_slab_is_linear_to_round_off():
    inside = np.zeros((12, 4, 4), bool)
    inside[1:11] = True
    inner = np.zeros_like(inside)
    inner[1] = True
    u = harmonic_coordinate(inside, inner, (3.0, 5.0, 7.0))
    # The frame ends between voxels 1 and 2, the membrane between 10 and 11: nine voxels, whose centres lie at odd eighteenths.
    np.testing.assert_allclose(u[2:11, 2, 2], (np.arange(9) + 0.5) / 9, atol=1e-7)
    assert np.isnan(u[0]).all() and (u[1] == 0).all()


def test_concentric_spheres_give_the_potential_of_a_sphere():
    inside, inner, r = concentric()
    u = harmonic_coordinate(inside, inner, (1.0, 1.0, 1.0))
    free = inside & ~inner
    exact = (1 / 7 - 1 / r) / (1 / 7 - 1 / 18)
    assert np.abs(u - exact)[free].mean() < 0.01
    assert np.nanmin(u) == 0 and np.nanmax(u) <= 1


def test_a_host_that_fills_its_volume_is_refused():
    with pytest.raises(CellmlError, match="nothing between the frames"):
        harmonic_coordinate(np.ones((4, 4, 4), bool), np.zeros((4, 4, 4), bool), (1.0, 1.0, 1.0))


def test_directions_and_depth_of_a_ball():
    frame = frame_of(ball_host())
    centre = np.array([17.0, 17.0, 17.0]) * 10 + 20  # of the ball, in the cropped frame of the labels
    away = frame.points - frame.points.mean(axis=0)
    np.testing.assert_allclose(frame.direction @ frame.axes, away / np.linalg.norm(away, axis=1, keepdims=True), atol=1e-6)
    r = np.linalg.norm(away, axis=1)
    np.testing.assert_allclose(frame.depth, np.minimum(180 - r, r - 70), atol=12)
    assert np.corrcoef(frame.harmonic, r)[0, 1] > 0.95
    assert np.abs(frame.points.mean(axis=0) - centre).max() < 30
    assert (frame.rows_at(frame.points) == np.arange(len(frame.points))).all()
    assert frame.rows_at(np.array([[1e6, 0, 0]]))[0] == -1


def test_principal_axes_turn_with_the_points():
    rng = np.random.default_rng(0)
    points = rng.gamma(2.0, [50.0, 20.0, 5.0], size=(4000, 3))
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    q[:, 0] *= np.linalg.det(q)
    np.testing.assert_allclose(principal_axes(points @ q.T), principal_axes(points) @ q.T, atol=1e-8)


def test_a_neurite_has_a_core_along_its_centreline():
    _, y, x = np.indices((50, 24, 24))
    tube = (y - 12) ** 2 + (x - 12) ** 2 < 81
    host = host_of_labels(Labels(tube.astype(np.uint8), (10.0, 10.0, 10.0)))
    assert not host.solid and host.inner.any() and (host.inside | ~host.inner).all()
    offset = np.abs(np.argwhere(host.inner)[:, 1:] - 8.5)
    assert offset.max() <= 4


def test_bad_hosts_are_refused_with_the_numbers():
    inside, inner, _ = concentric(24, 8, 3)
    with pytest.raises(CellmlError, match="not inside its cell"):
        host_of_labels(Labels(np.where(np.roll(inner, 9, axis=0), 2, inside.astype(int)), (1.0,) * 3), 1, 2)
    with pytest.raises(CellmlError, match="holds no label 7"):
        host_of_labels(Labels(inside.astype(np.uint8), (1.0,) * 3), 7)
    with pytest.raises(CellmlError, match="bring both to one grid"):
        host_of_labels(Labels(inside.astype(np.uint8), (1.0,) * 3), inner=Labels(inner[1:].astype(np.uint8), (1.0,) * 3))
    with pytest.raises(CellmlError, match="is empty"):
        host_of_labels(Labels(inside.astype(np.uint8), (1.0,) * 3), inner=Labels(np.zeros(inner.shape, np.uint8), (1.0,) * 3))
