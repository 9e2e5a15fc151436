"""The residual autoencoder: probabilistic PCA at first, better than it where the shapes are bent."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.nets.kernel_bend import KernelBend
from cellml.nets.residual_vae import ResidualVae


def gaussian(count: int = 200, seed: int = 0) -> Tensor:
    """Shapes (N, 3, 9) of three independent modes and noise, nm."""
    random = torch.Generator().manual_seed(seed)
    modes = torch.linalg.qr(torch.randn(27, 3, generator=torch.Generator().manual_seed(9)))[0].T
    codes = torch.randn(count, 3, generator=random) * torch.tensor([50.0, 20.0, 10.0])
    return (100 + codes @ modes + torch.randn(count, 27, generator=random)).reshape(count, 3, 9)


def bent(count: int = 200, seed: int = 0) -> Tensor:
    """A parabola: along one mode, and by its square along another."""
    random = torch.Generator().manual_seed(seed)
    modes = torch.linalg.qr(torch.randn(27, 2, generator=torch.Generator().manual_seed(9)))[0].T
    along = torch.randn(count, generator=random)
    codes = torch.stack([50 * along, 15 * (along**2 - 1)], dim=1)
    return (100 + codes @ modes).reshape(count, 3, 9)


def started(shapes: Tensor, latent: int = 2, **more: object) -> ResidualVae:
    net = ResidualVae(degree=2, latent=latent, higher=4, hidden=(32,), **more)  # type: ignore[arg-type]
    net.start(shapes)
    return net


def empty(shapes: Tensor) -> Tensor:
    return torch.zeros(len(shapes), 0)


def test_it_begins_as_probabilistic_pca() -> None:
    shapes = gaussian()
    net = started(shapes)
    flat = shapes.flatten(1).double()
    middle = flat.mean(0)
    values, vectors = torch.linalg.eigh((flat - middle).T @ (flat - middle) / len(flat))
    noise = values[:-2].mean()
    loads = vectors[:, -2:] * (values[-2:] - noise).sqrt()
    inverse = torch.linalg.inv(loads.T @ loads + noise * torch.eye(2).double())
    mean, log_variance = net.posterior(shapes, empty(shapes))
    reconstructed = middle + (flat - middle) @ loads @ inverse @ loads.T
    torch.testing.assert_close(net.decode(mean, empty(shapes)).flatten(1).double(), reconstructed, rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(
        log_variance.exp().sort().values.double(), (noise * inverse.diag()).sort().values.expand(200, 2), rtol=1e-4, atol=0
    )


def test_its_best_codes_are_the_projection_until_it_learns() -> None:
    shapes = gaussian()
    net = started(shapes)
    flat = shapes.flatten(1) - shapes.flatten(1).mean(0)
    modes = torch.linalg.svd(flat, full_matrices=False)[2][:2]
    expected = (flat - flat @ modes.T @ modes).norm(dim=1)
    found = (net.decode(net.refined(shapes, empty(shapes)), empty(shapes)) - shapes).flatten(1).norm(dim=1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def learned(net: ResidualVae, shapes: Tensor) -> None:
    optimizer = torch.optim.Adam(net.bend.parameters(), 1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        (net.decode(net.projected(shapes), empty(shapes)) - shapes).square().mean().backward()
        optimizer.step()
    net.eval()


def test_a_parabola_is_one_number_and_not_two() -> None:
    torch.manual_seed(0)
    shapes, others = bent(), bent(seed=1)
    net = started(shapes, latent=1)
    learned(net, shapes)
    scores = net.trust(others, empty(others))
    assert scores["amount"] == 1
    assert scores["over_pca"] < 0.3
    assert 0.5 < scores["residual_nm"] / scores["pca_nm"] < 2


def test_a_kernel_bend_is_ridge_regression_and_is_found_at_once() -> None:
    shapes, others = bent(60), bent(seed=1)
    net = started(shapes, latent=1, bend=KernelBend(centres=64, width=0.7, ridge=0.1))
    assert float(net.bent(torch.randn(4, 1), torch.zeros(4, 0)).abs().max()) == 0
    net.solve(shapes, empty(shapes))
    net.eval()
    scores = net.trust(others, empty(others))
    assert scores["amount"] >= 0.75
    assert scores["over_pca"] < 0.35
    codes = net.bend.centres[:60].double()
    kernel = torch.exp(-((codes - codes.T) ** 2) / (2 * 0.7**2))
    wanted = (net.scores(shapes)[:, 1:] / net.variances[1:].sqrt()).double()
    expected = kernel @ torch.linalg.solve(kernel + 0.1 * torch.eye(60), wanted)
    torch.testing.assert_close(net.bend(codes.float()).double(), expected, atol=1e-3, rtol=1e-3)


def test_where_nothing_is_bent_the_residual_is_not_trusted_to_make_it_worse() -> None:
    torch.manual_seed(0)
    shapes, others = gaussian(12), gaussian(200, seed=1)
    net = started(shapes)
    learned(net, shapes)
    assert net.trust(others, empty(others))["over_pca"] <= 1


def test_refinement_never_makes_a_shape_worse() -> None:
    torch.manual_seed(0)
    shapes = bent()
    net = started(shapes, latent=1)
    learned(net, shapes)
    errors = [(net.decode(net.refined(shapes, empty(shapes), n), empty(shapes)) - shapes).flatten(1).norm(dim=1) for n in (0, 3, 20)]
    assert (errors[1] <= errors[0] + 1e-3).all()
    assert (errors[2] <= errors[1] + 1e-3).all()


def test_sizes_that_do_not_fit_are_told() -> None:
    with pytest.raises(CellmlError, match="do not fit 27"):
        ResidualVae(degree=2, latent=27)
    with pytest.raises(CellmlError, match=r"48 coefficients.*27.*degree"):
        started(torch.zeros(5, 3, 16))
    with pytest.raises(CellmlError, match="3 shapes or more, and there are 2"):
        started(gaussian(2))
