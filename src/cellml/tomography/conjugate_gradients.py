"""Weighted least squares by conjugate gradients: where SIRT goes, in far fewer passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cellml.errors import CellmlError
from cellml.tomography.geometry import Rays

if TYPE_CHECKING:
    from torch import Tensor

    from cellml.types import TiltSeries, Volume


@dataclass(frozen=True)
class ConjugateGradients:
    """The method; `conjugate_gradients` is the plain function, which explains the numbers. Rows have their own steps: no halo."""

    iterations: int = 10
    damping: float = 0.0
    halo: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if self.iterations < 1 or not 0 <= self.damping < float("inf"):
            raise CellmlError(
                f"Conjugate gradients need at least 1 iteration and a damping of 0 or more, got iterations={self.iterations}, "
                f"damping={self.damping}."
            )

    def __call__(self, lines: Tensor, rays: Rays) -> Tensor:
        """Projections (N, width, K) to sections (Z, X, K)."""
        import torch

        from cellml.tomography.line_integrals import backproject, project
        from cellml.tomography.sirt import normalisation

        by_ray, by_voxel = normalisation(rays, lines)
        met = torch.where(by_voxel > 0, 1 / by_voxel.clamp(min=1e-9), torch.zeros_like(by_voxel))
        residual = backproject(lines * by_ray, rays)
        volume, conditioned = torch.zeros_like(residual), by_voxel * residual
        direction, energy = conditioned.clone(), (residual * conditioned).sum((0, 1))
        for _ in range(self.iterations):
            image = backproject(project(direction, rays).mul_(by_ray), rays).addcmul_(met, direction, value=self.damping)
            step = _ratio(energy, (direction * image).sum((0, 1)))
            volume.addcmul_(step, direction)
            residual.addcmul_(step, image, value=-1)
            conditioned = by_voxel * residual
            before, energy = energy, (residual * conditioned).sum((0, 1))
            direction = direction.mul_(_ratio(energy, before)).add_(conditioned)
        return volume


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """Above / below for each row, 0 where a row has converged (or is empty) and both vanish."""
    import torch

    return torch.where(below > 0, above / below.clamp(min=torch.finfo(below.dtype).tiny), torch.zeros_like(above))


def conjugate_gradients(series: TiltSeries, thickness: int, iterations: int = 10, damping: float = 0.0, **options: Any) -> Volume:
    """Reconstruct by conjugate gradients on (AᵀRA + damping C⁻¹) x = AᵀR b, preconditioned with C; R and C as in `sirt`.

    That is the system whose solution SIRT approaches (Gregor and Benson, IEEE Trans. Med. Imaging 27, 918, 2008). As there, few iterations
    smooth and many fit the noise; damping (0.01 is a little, 1 a lot) bounds how much. thickness: voxels along z; options: of
    `reconstruct`. Returns (Z, Y, X) float32. Raises CellmlError for numbers out of range and as `reconstruct` does.
    """
    from cellml.tomography.reconstruction import reconstruct

    return reconstruct(series, thickness, ConjugateGradients(iterations, damping), **options)
