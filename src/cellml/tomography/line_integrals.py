"""Line integrals as torch operations: compiled loops on the processor, gathers elsewhere, derivatives by all that they depend on."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from cellml.tomography import bags, kernels
from cellml.tomography.geometry import Rays


def project(volume: Tensor, rays: Rays) -> Tensor:
    """Line integrals of (Z, X, K) along all rays, (N, width, K), float32 or float64; outside autograd."""
    if volume.device.type != "cpu":
        return bags.project(volume, rays)
    return torch.from_numpy(kernels.project(volume.detach().numpy(), rays))


def backproject(projections: Tensor, rays: Rays) -> Tensor:
    """The transpose of `project`, (N, width, K) to (Z, X, K); outside autograd."""
    if projections.device.type != "cpu":
        return bags.backproject(projections, rays)
    return torch.from_numpy(kernels.backproject(projections.detach().numpy(), rays))


def sensitivities(volume: Tensor, projections: Tensor, rays: Rays) -> tuple[Tensor, Tensor]:
    """Derivatives of Σ projections · project(volume) by each tilt (a radian) and by each shift along u (a pixel), (N,) float64."""
    if volume.device.type != "cpu":
        return bags.sensitivities(volume, projections, rays)
    by_tilt, by_shift = kernels.sensitivities(volume.detach().numpy(), projections.detach().numpy(), rays)
    return torch.from_numpy(by_tilt), torch.from_numpy(by_shift)


class Projection(torch.autograd.Function):
    """`project`, differentiable in the volume (any number of times), in the tilts (degrees) and in the shifts (pixels)."""

    @staticmethod
    def forward(ctx: Any, volume: Tensor, tilts: Tensor, shifts: Tensor, rays: Rays) -> Tensor:
        """Sections (Z, X, K), tilts (N,), shifts (N,) along u, and the rays made of them."""
        ctx.save_for_backward(volume, tilts, shifts)
        ctx.rays = rays
        return project(volume, rays)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient by the volume is the back-projection of the gradient."""
        volume, tilts, shifts = ctx.saved_tensors
        gradient, rays = gradients[0], ctx.rays
        by_volume = Backprojection.apply(gradient, tilts, shifts, rays) if ctx.needs_input_grad[0] else None
        return by_volume, *_alignment(ctx, volume, gradient, tilts, shifts), None


class Backprojection(torch.autograd.Function):
    """`backproject`, differentiable in the projections (any number of times), in the tilts (degrees) and in the shifts (pixels)."""

    @staticmethod
    def forward(ctx: Any, projections: Tensor, tilts: Tensor, shifts: Tensor, rays: Rays) -> Tensor:
        """Lines (N, width, K), tilts (N,), shifts (N,) along u, and the rays made of them."""
        ctx.save_for_backward(projections, tilts, shifts)
        ctx.rays = rays
        return backproject(projections, rays)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradient by the projections is the projection of the gradient."""
        projections, tilts, shifts = ctx.saved_tensors
        gradient, rays = gradients[0], ctx.rays
        by_projections = Projection.apply(gradient, tilts, shifts, rays) if ctx.needs_input_grad[0] else None
        return by_projections, *_alignment(ctx, gradient, projections, tilts, shifts), None


def _alignment(ctx: Any, volume: Tensor, projections: Tensor, tilts: Tensor, shifts: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Gradients by tilts and shifts of ⟨projections, project(volume)⟩, which both directions share."""
    if not (ctx.needs_input_grad[1] or ctx.needs_input_grad[2]):
        return None, None
    by_tilt, by_shift = sensitivities(volume, projections, ctx.rays)
    return torch.deg2rad(by_tilt).to(tilts), by_shift.to(shifts)
