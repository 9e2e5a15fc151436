"""Densities of codes: one Gaussian, a mixture of Gaussians, or a Gaussian for each class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

COVARIANCES = ("full", "tied", "diag", "spherical")
_FLOOR = 1e-3  # variance that is added to each component of a mixture, of standardised codes


@dataclass(frozen=True, eq=False)
class Density:
    """Σ_m weights_m N(means_m, covariances_m). weights: (M,), of sum 1; means: (M, K); covariances: (M, K, K), positive definite."""

    weights: Floats
    means: Floats
    covariances: Floats

    def log_density(self, codes: Floats) -> Floats:
        """Natural logarithm at codes (N, K), (N,)."""
        from scipy.linalg import solve_triangular
        from scipy.special import logsumexp

        parts = []
        for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True):
            root = np.linalg.cholesky(covariance)
            away = solve_triangular(root, (codes - mean).T, lower=True)
            scale = np.log(np.diag(root)).sum() + 0.5 * len(mean) * np.log(2 * np.pi)
            parts.append(np.log(max(weight, 1e-300)) - 0.5 * (away**2).sum(axis=0) - scale)
        return np.asarray(logsumexp(np.stack(parts), axis=0))

    def sample(self, count: int, random: np.random.Generator, component: int | None = None) -> Floats:
        """New codes, (count, K), of all components or of one."""
        chosen = np.full(count, component) if component is not None else random.choice(len(self.weights), count, p=self.weights)
        roots = np.linalg.cholesky(self.covariances)
        noise = random.standard_normal((count, self.means.shape[1]))
        return np.asarray(self.means[chosen] + np.einsum("nij,nj->ni", roots[chosen], noise))

    def wider(self, factor: float) -> Density:
        """The same with all covariances times `factor`."""
        return Density(self.weights, self.means, factor * self.covariances)

    def likeliest(self) -> Floats:
        """The mean of a component at which the density is highest, (K,)."""
        return np.asarray(self.means[self.log_density(self.means).argmax()])


def gaussian(codes: Floats) -> Density:
    """One Gaussian about 0 with variances 1 and the correlations of the codes (N, K), times N / (N + K).

    Codes are standardised by the shrunk variances of their components already, and components are uncorrelated. What is left to find is how
    they go with the size: K numbers from N shapes. A shrinkage of all correlations by their noise (Ledoit and Wolf) would mostly see the
    zeros between components, and take the size's away with them.
    """
    count, size = codes.shape
    spread = codes.std(axis=0)
    standard = (codes - codes.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    correlation = standard.T @ standard / count * count / (count + size)
    np.fill_diagonal(correlation, 1.0)
    return Density(np.ones(1), np.zeros((1, size)), correlation[None])


def mixture(codes: Floats, components: int, covariance: str = "full", seed: int = 0) -> Density:
    """A mixture of Gaussians by expectation maximisation, scikit-learn's, the best of three starts.

    codes: (N, K), standardised; covariance: full, tied, diag or spherical. Raises CellmlError for a number of components that so many codes
    do not allow, and other names of covariances.
    """
    from sklearn.mixture import GaussianMixture

    if covariance not in COVARIANCES:
        raise CellmlError(f"covariance={covariance!r} is not known; use {', '.join(COVARIANCES)}.")
    if not 1 <= components <= len(codes) // 2:
        raise CellmlError(f"A mixture of {components} components needs {2 * max(components, 1)} shapes or more; there are {len(codes)}.")
    found = GaussianMixture(components, covariance_type=covariance, reg_covar=_FLOOR, n_init=3, random_state=seed).fit(codes)
    size = codes.shape[1]
    given = np.asarray(found.covariances_)
    whole = {
        "full": lambda: given,
        "tied": lambda: np.broadcast_to(given, (components, size, size)).copy(),
        "diag": lambda: np.stack([np.diag(row) for row in given]),
        "spherical": lambda: given[:, None, None] * np.eye(size),
    }[covariance]()
    return Density(np.asarray(found.weights_), np.asarray(found.means_), whole)


def by_class(codes: Floats, labels: Index, classes: Sequence[str]) -> Density:
    """A Gaussian for each class, in their order, weighted by how frequent the class is.

    Within a class the covariance is shrunk after Ledoit and Wolf (2004), toward evenness. labels: (N,), −1 for shapes of no class, which
    are left out. Raises CellmlError, naming it, for a class with fewer than two members.
    """
    from sklearn.covariance import ledoit_wolf

    counts = np.array([int((labels == n).sum()) for n in range(len(classes))])
    if (counts < 2).any():
        lone = int(np.flatnonzero(counts < 2)[0])
        raise CellmlError(
            f"Class {classes[lone]!r} has {counts[lone]} member(s) to learn from; a density of its own needs two, better twenty. Leave it "
            "out of data.classes and task.target.classes, or fit all classes together (density=gaussian)."
        )
    members = [codes[labels == n] for n in range(len(classes))]
    covariances = np.stack([ledoit_wolf(part)[0] + _FLOOR * np.eye(codes.shape[1]) for part in members])
    return Density(counts / counts.sum(), np.stack([part.mean(axis=0) for part in members]), covariances)
