"""Components and a density in a network's place: fitted at once, stored as tensors, opened without code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cellml.errors import CellmlError
from cellml.shapes.statistical.components import Components
from cellml.shapes.statistical.density import Density, by_class, gaussian, mixture
from cellml.shapes.statistical.distribution import (
    Distribution,
    Examples,
    FitDensity,
    HeldOut,
    fit_distribution,
    group_interval,
    leave_one_group_out,
)
from cellml.shapes.statistical.modes import ModeBands, bootstrap_modes
from cellml.shapes.statistical.rarity import Calibration, Levels, cross_calibrated, uniformity

DENSITIES = ("gaussian", "mixture", "classes")
_DRAWS = 100_000
_MOST_COMPONENTS = 3  # of a mixture that is chosen

_FITTED = (
    "mean", "modes", "deviations", "noise", "shrinkage_found", "size", "weights", "means", "covariances", "calibration", "held_out_rarity",
    "replicas", "replica_shares", "replica_likeness", "shape",
)  # fmt: skip


class ShapeDistribution(nn.Module):
    """Principal components with shrinkage, and a density of their coordinates and of the size.

    latent: modes K; density: "gaussian", "mixture" (of Gaussians) or "classes" (a Gaussian for each class of the task); components: of
    the mixture, None for the number from 1 to 3 that held-out groups are likeliest under; covariance: of the mixture's components, full,
    tied, diag or spherical; shrinkage: α of the components, None for that of Ledoit and Wolf; bands: modes that get confidence bands;
    replicas: of the bootstrap over groups behind them; size_apart: whether coefficients are divided by the size of the shape, so that its
    logarithm is a number of its own (sizes of cells and their parts are nearer to log-normal than to normal, and never negative); seed: of
    all draws. Raises CellmlError for a density that is not known.
    """

    mean: Tensor
    modes: Tensor
    deviations: Tensor
    noise: Tensor
    shrinkage_found: Tensor
    size: Tensor
    weights: Tensor
    means: Tensor
    covariances: Tensor
    calibration: Tensor
    held_out_rarity: Tensor
    replicas: Tensor
    replica_shares: Tensor
    replica_likeness: Tensor
    shape: Tensor

    def __init__(
        self,
        latent: int = 16,
        density: str = "gaussian",
        components: int | None = None,
        covariance: str = "diag",
        shrinkage: float | None = None,
        bands: int = 4,
        replicas: int = 100,
        size_apart: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if density not in DENSITIES:
            raise CellmlError(f"density={density} is not known; use {', '.join(DENSITIES)}.")
        if latent < 1 or bands < 0 or replicas < 10:
            raise CellmlError(f"latent must be 1 or more, bands 0 or more, replicas 10 or more; they are {latent}, {bands} and {replicas}.")
        self.latent, self.kind, self.components, self.covariance = latent, density, components, covariance
        self.shrinkage, self.bands, self.replica_count = shrinkage, bands, replicas
        self.size_apart, self.seed = size_apart, seed
        for name in _FITTED:
            self.register_buffer(name, torch.empty(0, dtype=torch.float64))
        self._distribution: Distribution | None = None
        self._levels: Levels | None = None

    def fit(self, data: Any, target: Any) -> dict[str, float]:
        """Fit to the training shapes of a `ShapeDataModule`. Returns numbers to log.

        `held_out_nats`: mean log density per shape of groups that were left out, in turn, with a 95 % interval over groups; `ks`,
        `coverage_…`: how uniform their rarities are, before and (`calibrated_…`) after a calibration that did not see their group.
        """
        blocks = data.training_blocks
        examples = self.examples(blocks)
        self.components = self._chosen_components(examples) if self.kind == "mixture" and self.components is None else self.components
        fit = self._density_fit(target.classes)
        held = leave_one_group_out(examples, self.latent, fit, self.shrinkage) if len(set(examples.groups)) > 1 else None
        found = fit_distribution(examples, self.latent, fit, self.shrinkage, 1.0 if held is None else held.wider)
        calibration = Calibration() if held is None else Calibration.fit(held.rarity)
        bands = bootstrap_modes(examples, found.components, min(self.bands, self.latent), self.replica_count, self.seed)
        self._keep(found, calibration, np.zeros(0) if held is None else held.rarity, bands, blocks[0].values.shape)
        numbers = {"shapes": float(len(examples.values)), "shrinkage": found.components.shrinkage}
        numbers |= {"components": float(len(found.density.weights)), "explained": float(found.components.shares().sum())}
        return numbers if held is None else numbers | _judged(held, calibration)

    def _density_fit(self, classes: list[str]) -> FitDensity:
        if self.kind == "classes":
            if not classes:
                raise CellmlError("density=classes needs names in task.target.classes, the same as in data.classes.")
            return lambda codes, labels: by_class(codes, labels, classes)
        if self.kind == "mixture":
            count = self.components or 1
            return lambda codes, _: mixture(codes, count, self.covariance, self.seed)
        return lambda codes, _: gaussian(codes)

    def _chosen_components(self, examples: Examples) -> int:
        """The number of components under which held-out groups are likeliest."""
        if len(set(examples.groups)) < 2:
            raise CellmlError("All shapes are of one group, so the number of components cannot be chosen; set task.net.components.")
        scores = {}
        for count in range(1, _MOST_COMPONENTS + 1):
            self.components = count
            held = leave_one_group_out(examples, self.latent, self._density_fit([]), self.shrinkage)
            scores[count] = float(held.log_likelihood.mean())
        return max(scores, key=lambda count: scores[count])

    def examples(self, blocks: Any) -> Examples:
        """Shapes of a `ShapeDataModule` as rows; a block without a group is a group of its own."""
        values = np.stack([np.asarray(block.values, np.float64) for block in blocks])
        rows, units = self.rows(values, np.array([block.unit for block in blocks], float))
        groups = tuple(block.group or block.name for block in blocks)
        return Examples(rows, units, groups, np.array([block.label for block in blocks]))

    def rows(self, values: NDArray[np.float64], units: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Arrays (N, C, …) in units (N,) nm → rows (N, D) in units (N,) nm, divided by the size where that is apart.

        The size of coefficients (N, C, (L+1)²) is √(Σ c² / 4π): the root mean square radius, or distance from the middle, for which the
        coefficients of degree 0 of x, y and z are left out.
        """
        flat = values.reshape(len(values), -1)
        if not self.size_apart or values.ndim != 3:
            return flat, units
        size = np.sqrt((values[:, :, 0 if values.shape[1] == 1 else 1 :] ** 2).sum(axis=(1, 2)) / (4 * np.pi))
        return flat / size[:, None], units * size

    @property
    def distribution(self) -> Distribution:
        """What was fitted. Raises CellmlError before the fit."""
        if self._distribution is None:
            raise CellmlError("The shape distribution has not been fitted yet; train it, or load a checkpoint.")
        return self._distribution

    @property
    def levels(self) -> Levels:
        """Log densities at 100 000 of its own draws."""
        if self._levels is None:
            self._levels = Levels.of(self.distribution.draws(_DRAWS, self.seed))
        return self._levels

    @property
    def calibrated(self) -> Calibration:
        """From the density's rarity to that among shapes of other groups."""
        a, b = self.calibration.tolist()  # type: ignore[operator]
        return Calibration(a, b)

    @property
    def mode_bands(self) -> ModeBands:
        """Bootstrap of the first modes."""
        return ModeBands(_array(self.replicas), _array(self.replica_shares), _array(self.replica_likeness))

    def _keep(
        self, found: Distribution, calibration: Calibration, rarity: NDArray[np.float64], bands: ModeBands, shape: tuple[int, ...]
    ) -> None:
        parts, density = found.components, found.density
        arrays = (
            parts.mean, parts.modes, parts.deviations, parts.noise, parts.shrinkage, found.size, density.weights, density.means,
            density.covariances, (calibration.a, calibration.b), rarity, bands.replicas, bands.shares, bands.likeness, shape,
        )  # fmt: skip
        for name, array in zip(_FITTED, arrays, strict=True):
            setattr(self, name, torch.from_numpy(np.array(array, np.float64)))
        self._restored()

    def _restored(self) -> None:
        parts = Components(_array(self.mean), _array(self.modes), _array(self.deviations), float(self.noise), float(self.shrinkage_found))
        middle, spread = self.size.tolist()
        density = Density(_array(self.weights), _array(self.means), _array(self.covariances))
        self._distribution, self._levels = Distribution(parts, (middle, spread), density), None

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *arguments: Any) -> None:
        for name in _FITTED:
            if prefix + name in state_dict:
                setattr(self, name, torch.empty_like(state_dict[prefix + name]))
        super()._load_from_state_dict(state_dict, prefix, *arguments)  # type: ignore[misc]
        if all(prefix + name in state_dict for name in _FITTED) and self.modes.numel():
            self._restored()


def _judged(held: HeldOut, calibration: Calibration) -> dict[str, float]:
    mean, low, high = group_interval(held.log_likelihood, held.groups)
    numbers = {"held_out_nats": mean, "held_out_nats_low": low, "held_out_nats_high": high, "wider": held.wider}
    numbers |= uniformity(held.rarity, held.groups) | {"calibration_a": calibration.a, "calibration_b": calibration.b}
    after = uniformity(cross_calibrated(held.rarity, held.groups), held.groups)
    return numbers | {f"calibrated_{name}": value for name, value in after.items()}


def _array(tensor: Any) -> NDArray[np.float64]:
    return np.asarray(tensor.detach().cpu().numpy(), np.float64)
