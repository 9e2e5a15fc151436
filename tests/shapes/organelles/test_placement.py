"""Placements: densities that are exactly normalised, laws that are found again, files that keep them."""

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.shapes.organelles.count import CountModel
from cellml.shapes.organelles.distribution import Distribution, load_distribution, save_distribution
from cellml.shapes.organelles.flow import FlowPlacement, _module, fit_flow
from cellml.shapes.organelles.frame import Frame, frame_of
from cellml.shapes.organelles.logistic import LogisticPlacement, fit_logistic
from cellml.shapes.organelles.mixture import MixturePlacement, fit_mixture
from cellml.shapes.organelles.placement import Examples, Placement, UniformPlacement, density_in, examples_of, log_likelihood
from cellml.shapes.organelles.sources import ObservedShapes, SizeModel
from cellml.shapes.organelles.splines import spline
from cellml.surfaces import extract_surface
from cellml.types import Volume
from tests.shapes.organelles.test_harmonic import ball_host


@pytest.fixture(scope="module")
def frame() -> Frame:
    return frame_of(ball_host(n=24, cell=11, nucleus=4))


def drawn(frame: Frame, placement: Placement, count: int, seed: int) -> Examples:
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(frame.points), count, p=density_in(placement, frame, 10.0))
    return examples_of(frame, frame.points[rows], rng.normal(10, 0.5, count), np.zeros(count), places=64, seed=seed)


def random_flow(seed: int) -> FlowPlacement:
    import torch

    torch.manual_seed(seed)
    weights = {k: 0.15 * torch.randn_like(v).numpy() for k, v in _module(8, 10.0, 1.0, 0).state_dict().items()}
    return FlowPlacement(weights, 8, 10.0, 1.0)


def sphere_integral(placement: Placement, size: float) -> float:
    """∫ q du dΩ by Gauss-Legendre and the trapezoid over the circle."""
    x, w = np.polynomial.legendre.leggauss(40)
    phi = np.arange(60) / 60 * 2 * np.pi
    u, c, p = (g.ravel() for g in np.meshgrid((x + 1) / 2, x, phi, indexing="ij"))
    weight = (w[:, None, None] / 2 * w[None, :, None] * np.full(60, 2 * np.pi / 60)).ravel()
    s = np.sqrt(1 - c**2)
    q = np.exp(placement.log_weight(u, np.column_stack([s * np.cos(p), s * np.sin(p), c]), np.full(len(u), size)))
    return float((q * weight).sum())


@pytest.mark.parametrize("size", [9.0, 11.5])
def test_the_flow_is_a_density_on_the_interval_and_the_sphere(size):
    assert sphere_integral(random_flow(3), size) == pytest.approx(1, abs=0.02)


def test_a_spline_keeps_its_ends_and_knows_its_slope():
    import torch

    torch.manual_seed(0)
    bins = [torch.randn(1, n).double().expand(1001, n) for n in (6, 6, 7)]
    x = torch.linspace(0, 1, 1001, dtype=torch.float64)
    y, log_slope = spline(x, *bins)
    assert y[0] == pytest.approx(0, abs=1e-12) and y[-1] == pytest.approx(1, abs=1e-12) and (torch.diff(y) > 0).all()
    off = np.abs(np.gradient(y.numpy(), x.numpy()) / log_slope.exp().numpy() - 1)
    assert (off > 0.02).sum() <= 12 and np.median(off) < 1e-3  # differences across a knot are those of two pieces


def test_the_mixture_is_a_density_too():
    shapes = np.log([[2.0, 3.0], [4.0, 2.0]])
    mixture = MixturePlacement(np.array([0.3, -0.2], np.float32), shapes.astype(np.float32), np.float32([[1, 2, 0], [0, 0, -3]]))
    assert sphere_integral(mixture, 10.0) == pytest.approx(1, abs=0.02)


def test_an_untrained_flow_is_uniform():
    weights = {k: v.numpy() for k, v in _module(8, 10.0, 1.0, 0).state_dict().items()}
    rng = np.random.default_rng(0)
    n = rng.normal(size=(50, 3))
    q = FlowPlacement(weights, 8, 10.0, 1.0).log_weight(rng.random(50), n / np.linalg.norm(n, axis=1, keepdims=True), np.full(50, 9.0))
    np.testing.assert_allclose(q, -np.log(4 * np.pi), atol=1e-5)


def test_the_density_in_a_host_sums_to_one_and_heeds_the_room(frame):
    for placement in (UniformPlacement(), random_flow(1), LogisticPlacement(np.array([0.0, 3, -1, 1, 0, 0]))):
        chance = density_in(placement, frame, 10.0, need=25.0)
        assert chance.sum() == pytest.approx(1) and (chance[frame.depth < 25] == 0).all() and (chance >= 0).all()


def test_the_likelihood_is_the_density_over_uniform(frame):
    placement = random_flow(2)
    examples = drawn(frame, UniformPlacement(), 30, 0)
    flat = Examples(
        examples.harmonic,
        examples.direction,
        np.full(30, 10.0),
        np.tile(frame.harmonic, (30, 1)),
        np.tile(frame.direction, (30, 1, 1)),
        examples.groups,
    )
    chance = density_in(placement, frame, 10.0)
    rows = [int(np.abs(frame.harmonic - u).argmin()) for u in examples.harmonic]
    same = [
        frame.harmonic[r] == u and np.allclose(frame.direction[r], n) for r, u, n in zip(rows, flat.harmonic, flat.direction, strict=True)
    ]
    expected = np.log(chance[rows] * len(frame.points))
    np.testing.assert_allclose(log_likelihood(placement, flat)[same], expected[same], atol=1e-4)
    assert log_likelihood(UniformPlacement(), examples) == pytest.approx(0)


def test_a_logistic_law_is_found_again(frame):
    law = LogisticPlacement(np.array([-4.0, 5.0, 0.0, 1.5, 0.0, 0.0]))
    train, held = drawn(frame, law, 600, 1), drawn(frame, law, 600, 2)
    best = log_likelihood(law, held).mean()
    assert best > 0.1
    assert log_likelihood(fit_logistic(train), held).mean() == pytest.approx(best, abs=0.05)


def test_mixture_and_flow_gain_on_a_law_that_the_logistic_model_cannot_say(frame):
    class TwoShells:
        def log_weight(self, harmonic, direction, size):
            return np.log(0.05 + (np.abs(harmonic - 0.25) < 0.1) + (np.abs(harmonic - 0.85) < 0.1))

    train, held = drawn(frame, TwoShells(), 250, 1), drawn(frame, TwoShells(), 250, 2)
    logistic = log_likelihood(fit_logistic(train), held).mean()
    assert log_likelihood(fit_mixture(train, 2, steps=60), held).mean() > logistic + 0.03
    assert log_likelihood(fit_flow(train, steps=60, decay=0.0), held).mean() > logistic + 0.03


def test_places_without_any_law_leave_the_flow_uniform(frame):
    held = drawn(frame, UniformPlacement(), 300, 8)
    assert log_likelihood(fit_flow(drawn(frame, UniformPlacement(), 40, 7), steps=10), held).mean() > -0.03


def test_too_few_or_bad_examples_are_refused(frame):
    few = drawn(frame, UniformPlacement(), 5, 0)
    for fit, words in ((fit_logistic, "needs more organelles than 5"), (fit_mixture, "needs 30"), (fit_flow, "needs 30")):
        with pytest.raises(CellmlError, match=words):
            fit(few)
    with pytest.raises(CellmlError, match="None of 2 organelles"):
        examples_of(frame, np.full((2, 3), 1e7), np.zeros(2), np.zeros(2))
    with pytest.raises(CellmlError, match="not finite"):
        examples_of(frame, np.full((2, 3), np.nan), np.zeros(2), np.zeros(2))
    with pytest.raises(CellmlError, match="larger than the host"):
        density_in(UniformPlacement(), frame, 10.0, need=1e4)


@pytest.mark.parametrize(
    "placement",
    [
        UniformPlacement(),
        LogisticPlacement(np.arange(6.0)),
        random_flow(0),
        MixturePlacement(*(np.ones(s, np.float32) for s in ((2,), (2, 2), (2, 3)))),
    ],
)
def test_a_file_keeps_all_of_a_distribution(tmp_path: Path, placement):
    grid = np.linalg.norm(np.indices((9, 9, 9)) - 4.0, axis=0) - 3
    shapes = ObservedShapes((extract_surface(Volume(grid, (5.0,) * 3)),) * 2)
    path = tmp_path / "kind.npz"
    save_distribution(Distribution("kind", shapes, SizeModel(10.0, 0.5), CountModel(3.0, 2.0), placement, ("from a test",)), path)
    found = load_distribution(path)
    rng = np.random.default_rng(0)
    n = rng.normal(size=(20, 3))
    at = (rng.random(20), n / np.linalg.norm(n, axis=1, keepdims=True), np.full(20, 9.0))
    np.testing.assert_array_equal(found.placement.log_weight(*at), placement.log_weight(*at))
    assert (found.size, found.count, found.notes) == (SizeModel(10.0, 0.5), CountModel(3.0, 2.0), ("from a test",))
    np.testing.assert_array_equal(found.shapes.surfaces[1].vertices, shapes.surfaces[1].vertices)


def test_a_file_of_another_kind_is_refused(tmp_path: Path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(CellmlError, match="holds no distribution"):
        load_distribution(tmp_path / "other.npz")
