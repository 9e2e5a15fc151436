"""Simultaneous iterative reconstruction (SIRT), and its faster relative with ordered subsets of the tilts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cellml.errors import CellmlError
from cellml.tomography.geometry import Rays, centre

if TYPE_CHECKING:
    from torch import Tensor

    from cellml.types import TiltSeries, Volume


@dataclass(frozen=True)
class Sirt:
    """The method; `sirt` is the plain function, which explains the numbers. Rows are independent, so it needs no halo."""

    iterations: int = 30
    subsets: int = 1
    relaxation: float = 1.0
    nonnegative: bool = False
    cylinder: bool = False
    halo: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.subsets < 1:
            raise CellmlError(f"SIRT needs at least 1 iteration and 1 subset, got iterations={self.iterations}, subsets={self.subsets}.")
        if not 0 < self.relaxation < 2:
            raise CellmlError(f"SIRT converges for a relaxation between 0 and 2, got {self.relaxation!r}.")

    def __call__(self, lines: Tensor, rays: Rays) -> Tensor:
        """Projections (N, width, K) to sections (Z, X, K)."""
        import torch

        from cellml.tomography.line_integrals import backproject, project

        if self.subsets > len(rays.cos):
            raise CellmlError(
                f"{len(rays.cos)} tilts cannot be divided into {self.subsets} subsets; give at most one subset for each tilt."
            )
        parts = [slice(first, None, self.subsets) for first in spread(self.subsets)]
        subsets = [(lines[part], chosen, *normalisation(chosen, lines, self.cylinder)) for part in parts for chosen in [rays.subset(part)]]
        volume = torch.zeros(rays.depth, rays.breadth, lines.shape[2], dtype=lines.dtype, device=lines.device)
        for _ in range(self.iterations):
            for measured, chosen, by_ray, by_voxel in subsets:
                error = project(volume, chosen).neg_().add_(measured).mul_(by_ray)
                volume.addcmul_(backproject(error, chosen), by_voxel, value=self.relaxation)
                if self.nonnegative:
                    volume.clamp_(min=0)
        return volume


def normalisation(rays: Rays, like: Tensor, cylinder: bool = False) -> tuple[Tensor, Tensor]:
    """Inverse sums of the weights of each ray, (N, width, 1), and of each voxel, (Z, X, 1); 0 where nothing is met.

    Rays that only graze the section are left out: an inverse of nearly nothing would amplify rounding. cylinder: voxels beyond the cylinder
    about the tilt axis that every tilt sees count as nothing, and stay 0.
    """
    import torch

    from cellml.tomography.line_integrals import backproject, project

    inside = torch.ones(rays.depth, rays.breadth, 1, dtype=like.dtype, device=like.device)
    if cylinder:
        z = torch.arange(rays.depth, device=like.device)[:, None] - centre(rays.depth)
        x = torch.arange(rays.breadth, device=like.device)[None] - centre(rays.breadth)
        inside *= (z**2 + x**2 <= (rays.width / 2) ** 2)[..., None]
    lengths = project(inside, rays)
    by_ray = torch.where(lengths > 0.01, 1 / lengths.clamp(min=0.01), torch.zeros_like(lengths))
    met = backproject((by_ray > 0).to(lengths), rays)
    return by_ray, torch.where(met > 0.01, inside / met.clamp(min=0.01), torch.zeros_like(met))


def spread(subsets: int) -> list[int]:
    """An order of subsets in which neighbours in time are far apart in tilt: steps near the golden section that meet every one."""
    from math import gcd

    step = next((s for s in range(max(1, round(0.618 * subsets)), subsets) if gcd(s, subsets) == 1), 1)
    return [(k * step) % subsets for k in range(subsets)]


def sirt(
    series: TiltSeries,
    thickness: int,
    iterations: int = 30,
    subsets: int = 1,
    relaxation: float = 1.0,
    nonnegative: bool = False,
    cylinder: bool = False,
    **options: Any,
) -> Volume:
    """Reconstruct by SIRT: x ← x + relaxation · C Aᵀ R (b - A x), with R and C the inverse row and column sums of A.

    Gregor and Benson, IEEE Trans. Med. Imaging 27, 918 (2008). thickness: voxels along z; iterations: passes over all tilts; subsets: the
    tilts are divided into so many interleaved parts, each with an update of its own (as many as tilts: SART), which converges about so many
    times faster a pass but not to the least-squares solution where data disagree; nonnegative: values below 0 are set to 0 after each
    update; cylinder: for a specimen in vacuum that fits into the cylinder about the axis which all tilts see, nothing is put outside it.
    options: of `reconstruct`. Returns (Z, Y, X) float32. Raises CellmlError for numbers out of range and as `reconstruct` does.
    """
    from cellml.tomography.reconstruction import reconstruct

    return reconstruct(series, thickness, Sirt(iterations, subsets, relaxation, nonnegative, cylinder), **options)
