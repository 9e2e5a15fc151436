"""What the tasks share that generate shapes as grids: sizes, surfaces, and a look at new shapes beside the held-out ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.errors import CellmlError
from cellml.shapes.grid_statistics import NAMES, grid_statistics, statistics_distance
from cellml.shapes.one_body import one_body
from cellml.tasks.base import Schedule, VolumeTask
from cellml.tasks.redrawn import redrawn, with_body
from cellml.tasks.shape_target import ShapeTarget
from cellml.types import Surface

if TYPE_CHECKING:
    from cellml.data.shape_arrays import GridRepresentation
    from cellml.shapes.population import Population

_TOGETHER = 32  # grids that are made at a time


class GridShapeTask(VolumeTask, ABC):
    """A generator of grids, trained on `cellml.data.shape_module`; a `cellml.shapes.model.ShapeModel`.

    net: makes grids; target: conditions; loss, optimizer, schedule: as in VolumeTask; representation: the data's `GridRepresentation`;
    judged: new shapes that a validation draws. A subclass says `grids(codes)`, `inner`, `drawn` and `log_density`. A code is (inner
    numbers, condition). Sizes, the standardised natural logarithm of a grid's unit in nm, are measured on the training shapes. Validation
    logs `val/<statistic>` for each of `cellml.shapes.grid_statistics.NAMES`, how far new shapes are from the held-out ones in deviations,
    and their mean, `val/statistics`.
    """

    net: Any
    target: ShapeTarget
    decoder = None
    decoder_grid: dict[str, Any] = {}  # noqa: RUF012  a shape has nothing to decode
    log_size: Tensor

    def __init__(
        self,
        net: Any,
        target: ShapeTarget,
        loss: Any,
        optimizer: Callable[[Any], torch.optim.Optimizer],
        representation: GridRepresentation,
        schedule: Schedule | None = None,
        judged: int = 48,
    ) -> None:
        super().__init__(net, target, loss, optimizer, schedule)
        shape = tuple(int(n) for n in representation.shape)
        if tuple(net.shape) != shape:
            raise CellmlError(f"The network's grid has {list(net.shape)} voxels, and the data's {list(shape)}; set task.net.shape to it.")
        self.representation, self.judged = representation, judged
        self.register_buffer("log_size", torch.tensor([0.0, 1.0]))
        self._seen: list[dict[str, Tensor]] = []

    @property
    @abstractmethod
    def inner(self) -> int:
        """Numbers of a code before those of the condition."""

    @abstractmethod
    def grids(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, K) → distances (B, Z, Y, X) in voxels and sizes (B,)."""

    @abstractmethod
    def drawn(self, conditions: Tensor, random: torch.Generator) -> Tensor:
        """New inner numbers (B, inner) for conditions (B, C), on the processor."""

    @abstractmethod
    def log_density(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Natural logarithm of the density of codes (N, K), (N,)."""

    def on_fit_start(self) -> None:
        """At the very start, measure sizes and the frequency of conditions on the training shapes."""
        if self.global_step == 0:
            self.measure(self.trainer.datamodule.training_blocks)  # type: ignore[attr-defined]

    def measure(self, blocks: Sequence[Any]) -> None:
        """Take sizes and conditions from training shapes, given as `ShapeBlock`s."""
        samples = [block.sample() for block in blocks]
        sizes = torch.stack([sample["unit"] for sample in samples]).log()
        self.log_size.copy_(torch.stack([sizes.mean(), sizes.std().clamp(min=1e-3)]))
        self.target.measure(torch.stack([s["label"] for s in samples]), torch.stack([s["frame"] for s in samples]))

    def sizes_of(self, units: Tensor) -> Tensor:
        """Units (B,) in nm a voxel → sizes (B,)."""
        return (units.to(self.log_size).log() - self.log_size[0]) / self.log_size[1]

    def units_of(self, sizes: Tensor) -> Tensor:
        """Sizes (B,) → units (B,) in nm a voxel; sizes beyond five deviations count as five."""
        return (sizes.float().clamp(-5, 5) * self.log_size[1] + self.log_size[0]).exp()

    def on_validation_epoch_start(self) -> None:
        """Forget the last validation."""
        self._seen = []

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Take one shape; all are judged together at the end."""
        self._seen.append({name: batch[name] for name in ("image", "unit", "label", "frame")})

    def on_validation_epoch_end(self) -> None:
        """Log how far new shapes are from the held-out ones."""
        if not self._seen:
            return
        real = grid_statistics(
            np.stack([one["image"][0].cpu().numpy() for one in self._seen]), np.array([float(one["unit"]) for one in self._seen])
        )
        with torch.no_grad():
            grids, units = self._made(self.raw_sample(self.judged, 0, ""))
        far = statistics_distance(grid_statistics(grids, units), real)
        for name, value in zip(NAMES, far, strict=True):
            self.log(f"val/{name}", float(value))
        self.log("val/statistics", float(far.mean()), prog_bar=True)

    def encode(self, population: Population) -> NDArray[np.float64]:
        """Raise CellmlError: a model of this kind has no way from shapes to codes."""
        raise CellmlError(
            f"A {type(self).__name__} makes shapes of codes and cannot read the codes of {len(population)} given shapes; use an "
            "autoencoder (experiment=shapes/sdf_vae), InfoGAN (shapes/infogan) or a PixelCNN (shapes/pixelcnn) for that."
        )

    @torch.no_grad()
    def decode(self, codes: NDArray[np.float64]) -> list[Surface]:
        """Surfaces of codes (N, K), nm: the largest body of each grid. Raises CellmlError for a code whose grid holds none."""
        grids, units = self._made(self.as_codes(codes))
        names = [f"shape {n}" for n in range(len(grids))]
        bodies = [one_body(grid, name)[0] for grid, name in zip(grids, names, strict=True)]
        return [self.representation.surface(g[None], float(u), n) for g, u, n in zip(bodies, units, names, strict=True)]

    @torch.no_grad()
    def sample(self, count: int, seed: int, condition: str = "") -> NDArray[np.float64]:
        """New codes (count, K). condition: a class, or "" for classes as frequent as in training.

        A code whose grid holds nothing is drawn again. Raises CellmlError for a count below 1, a condition that the model does not know,
        and a model most of whose codes make nothing.
        """
        return redrawn(count, seed, lambda n, s: self.raw_sample(n, s, condition), lambda codes: with_body(self._made(codes)[0]))

    def raw_sample(self, count: int, seed: int, condition: str) -> Tensor:
        """Codes (count, K) as they are drawn, whatever they make."""
        random = torch.Generator().manual_seed(seed)
        conditions = self.target.parsed(condition, count, random)
        return torch.cat([self.drawn(conditions, random).to(self.device), conditions.to(self.device)], dim=1)

    def as_codes(self, codes: NDArray[np.float64]) -> Tensor:
        """Codes as a tensor. Raises CellmlError where they are not this model's."""
        array, size = np.asarray(codes, np.float64), self.inner + self.target.size
        if array.ndim != 2 or array.shape[1] != size or not np.isfinite(array).all():
            raise CellmlError(f"Codes of this model are finite numbers (N, {size}), not {array.shape}.")
        return torch.as_tensor(array, dtype=torch.float32, device=self.device)

    def _made(self, codes: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances (N, Z, Y, X) in voxels and units (N,) nm."""
        made = [self.grids(part) for part in codes.split(_TOGETHER)]
        grids = torch.cat([grid.double().cpu() for grid, _ in made]).numpy()
        return grids, torch.cat([self.units_of(size).double().cpu() for _, size in made]).numpy()
