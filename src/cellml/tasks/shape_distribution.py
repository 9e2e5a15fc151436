"""The task of statistical shape models: components and a density, fitted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from torch import Tensor

from cellml.errors import CellmlError
from cellml.nets.shape_distribution import ShapeDistribution
from cellml.shapes.statistical.distribution import Examples
from cellml.tasks.shape_target import ShapeTarget
from cellml.types import Surface

if TYPE_CHECKING:
    from cellml.shapes.population import Population

Floats = NDArray[np.float64]


class ShapeDistributionTask(pl.LightningModule):
    """A `ShapeDistribution` on the data of `cellml.data.shape_module`; a `cellml.shapes.model.ShapeModel`.

    net: fitted by `cellml train` in one go; target: names of the classes, for a density of each (`density: classes`); representation: how
    shapes become arrays, the data's. Validation logs `val/loss`, the mean negative log density of the validation shapes in nats, and what
    the representation measures, such as `val/surface_nm`, of shapes that were encoded and decoded.
    """

    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  a shape has nothing to decode

    def __init__(self, net: ShapeDistribution, target: ShapeTarget, representation: Any) -> None:
        super().__init__()
        self.net, self.target, self.representation = net, target, representation
        self._seen: list[dict[str, Any]] = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Take one shape; all are judged together at the end."""
        self._seen.append({name: batch[name] for name in ("image", "unit", "label")})

    def on_validation_epoch_end(self) -> None:
        """Log the scores of all validation shapes."""
        if not self._seen:
            return
        values = np.stack([np.asarray(one["image"], np.float64) for one in self._seen])
        units = np.array([float(one["unit"]) for one in self._seen])
        found = self.net.distribution
        rows, sizes = self.net.rows(values, units)
        labels = np.array([int(one["label"]) for one in self._seen])
        examples = Examples(rows, sizes, ("",) * len(rows), labels)
        self.log("val/loss", -float(found.log_likelihood(examples).mean()))
        decoded, scale = found.values(found.codes(rows, sizes))
        again = decoded.reshape(values.shape) * (scale / units).reshape(-1, *[1] * (values.ndim - 1))
        scores = self.representation.scores(again, values, units)
        self.log_dict({f"val/{name}": float(value) for name, value in scores.items()})
        self._seen = []

    def prediction_state(self) -> dict[str, Tensor]:
        """What a checkpoint holds."""
        return self.state_dict()

    def encode(self, population: Population) -> Floats:
        """Codes of shapes, (N, K)."""
        kept = self.representation
        if hasattr(kept, "onto"):
            kept = kept.onto(self.net.distribution.components.mean.reshape(self.net.shape.long().tolist()))
        arrays = kept.of(population)
        return self.net.distribution.codes(*self.net.rows(np.asarray(arrays.values, np.float64), np.asarray(arrays.units)))

    def decode(self, codes: Floats) -> list[Surface]:
        """Surfaces of codes (N, K), nm, in the frame that the representation turns shapes to."""
        values, units = self.net.distribution.values(self._checked(codes))
        arrays = values.reshape(len(values), *self.net.shape.long().tolist())
        return [
            self.representation.surface(one, float(unit), f"shape {n}") for n, (one, unit) in enumerate(zip(arrays, units, strict=True))
        ]

    def sample(self, count: int, seed: int, condition: str = "") -> Floats:
        """New codes (count, K). condition: a class, for densities of classes. Raises CellmlError for another, and a count below 1."""
        if count < 1:
            raise CellmlError(f"{count} shapes cannot be drawn; ask for one or more.")
        return self.net.distribution.density.sample(count, np.random.default_rng(seed), self._component(condition))

    def log_density(self, codes: Floats) -> Floats:
        """Natural logarithm of the density in the space of codes, (N,)."""
        return self.net.distribution.density.log_density(self._checked(codes))

    def rarity(self, codes: Floats) -> Floats:
        """Share of shapes of other groups that are less likely, (N,), calibrated: 0.001 is one in a thousand."""
        return self.net.calibrated.calibrated(self.net.levels.rarity(self.log_density(codes)))

    def level(self, rarity: float) -> float:
        """The log density at which shapes are so rare."""
        return self.net.levels.level(self.net.calibrated.raw(rarity))

    def likeliest(self) -> Floats:
        """The code of highest density, (1, K)."""
        return self.net.distribution.density.likeliest()[None]

    def _component(self, condition: str) -> int | None:
        if not condition:
            return None
        classes = self.target.classes if self.net.kind == "classes" else []
        if condition not in classes:
            raise CellmlError(
                f"The condition {condition!r} is not known to this model, which has "
                f"{'the classes ' + ', '.join(classes) if classes else 'none (train one with density=classes)'}."
            )
        return list(classes).index(condition)

    def _checked(self, codes: Floats) -> Floats:
        array, size = np.asarray(codes, np.float64), self.net.distribution.density.means.shape[1]
        if array.ndim != 2 or array.shape[1] != size or not np.isfinite(array).all():
            raise CellmlError(f"Codes of this model are finite numbers (N, {size}), not {array.shape}.")
        return array
