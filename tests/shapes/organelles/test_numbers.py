"""Counts, sizes and neighbours against closed forms and slow twins."""

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.organelles.count import CountModel, fit_count
from cellml.shapes.organelles.frame import frame_of
from cellml.shapes.organelles.neighbours import envelope, g_function, k_function, nearest_distances, simulate_centres
from cellml.shapes.organelles.placement import UniformPlacement
from cellml.shapes.organelles.sources import SizeModel, fit_size
from tests.shapes.organelles.test_harmonic import ball_host


def test_counts_without_spread_are_poisson_and_others_negative_binomial():
    rng = np.random.default_rng(0)
    volumes = np.full(200, 2e9)
    assert fit_count(rng.poisson(10, 200), volumes) == CountModel(pytest.approx(5.0, rel=0.1), None)
    spread = fit_count(rng.negative_binomial(3, 3 / 13, 200), volumes)
    assert spread.density == pytest.approx(5.0, rel=0.15) and spread.dispersion == pytest.approx(3.0, rel=0.4)


def test_probabilities_of_counts_sum_to_one_and_draws_have_their_mean():
    for model in (CountModel(5.0), CountModel(5.0, 2.0)):
        counts = np.arange(400)
        assert np.exp(model.log_likelihood(counts, np.full(400, 1e9))).sum() == pytest.approx(1)
        rng = np.random.default_rng(1)
        assert np.mean([model.draw(1e9, rng) for _ in range(3000)]) == pytest.approx(5, rel=0.1)


def test_bad_counts_are_refused():
    with pytest.raises(CellmlError, match="no organelle in 3 regions"):
        fit_count(np.zeros(3, int), np.ones(3))
    with pytest.raises(CellmlError, match="positive volume"):
        fit_count(np.ones(2, int), np.array([1.0, 0.0]))


def test_sizes():
    assert SizeModel.of_diameter(100.0, 0.1) == SizeModel(pytest.approx(np.log(np.pi / 6 * 1e6)), pytest.approx(0.3))
    drawn = SizeModel(3.0, 0.5).draw(4000, np.random.default_rng(0))
    again = fit_size(np.exp(drawn))
    assert (again.mean, again.spread) == (pytest.approx(3.0, abs=0.03), pytest.approx(0.5, abs=0.03))
    for bad in (np.array([]), np.array([1.0, -1.0]), np.array([np.nan])):
        with pytest.raises(CellmlError):
            fit_size(bad)
    with pytest.raises(CellmlError, match="positive median"):
        SizeModel.of_diameter(float("nan"), 0.1)


def test_nearest_neighbours_and_pairs_equal_a_slow_twin():
    points = np.random.default_rng(0).random((40, 3)) * 100
    d = np.linalg.norm(points[:, None] - points, axis=2)
    np.testing.assert_allclose(nearest_distances(points), (d + np.eye(40) * 1e9).min(axis=1))
    radii = np.array([10.0, 30.0])
    np.testing.assert_allclose(g_function(points, radii), [(nearest_distances(points) <= r).mean() for r in radii])
    np.testing.assert_allclose(k_function(points, radii, 1e6), [1e6 * ((d <= r).sum() - 40) / 1600 for r in radii])
    np.testing.assert_allclose(nearest_distances(points[:5], points[5:]), d[:5, 5:].min(axis=1))


def test_an_envelope_accepts_its_own_model_and_refuses_clusters():
    rng = np.random.default_rng(0)
    radii = np.linspace(1, 30, 20)
    simulated = [rng.random((60, 3)) * 100 for _ in range(39)]

    def statistic(points):
        return g_function(points, radii)

    assert envelope(rng.random((60, 3)) * 100, simulated, radii, statistic).p_value > 0.05
    clusters = (rng.random((6, 3)) * 100)[np.arange(60) % 6] + rng.normal(size=(60, 3))
    found = envelope(clusters, simulated, radii, statistic)
    assert found.p_value == pytest.approx(1 / 40) and (found.low <= found.high).all()
    with pytest.raises(CellmlError, match="needs 19"):
        envelope(clusters, simulated[:5], radii, statistic)


def test_simulated_centres_keep_apart():
    frame = frame_of(ball_host(n=24, cell=11, nucleus=4))
    balls = np.full(15, 12.0)
    centres = simulate_centres(frame, UniformPlacement(), np.full(15, 9.0), balls, seed=1)
    assert nearest_distances(centres).min() >= 24
    np.testing.assert_array_equal(centres, simulate_centres(frame, UniformPlacement(), np.full(15, 9.0), balls, seed=1))
