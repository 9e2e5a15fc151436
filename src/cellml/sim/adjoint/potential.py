"""The steady potential in a shape whose nodes move, as a differentiable function: one factor serves the solution and its gradient.

K(x) u = b on the free nodes, u = g on the held ones. For J(u) with cotangent ∂J/∂u the multipliers solve the transposed system

    K_ffᵀ λ = (∂J/∂u)_f,

and dJ/db = λ, dJ/dg = (∂J/∂u)_h − K_hf λ, dJ/dK_ij = −λ_i u_j, which `ShapeSeed` pulls back to the nodes (Giles & Pierce 2000, §2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from cellml.sim.adjoint.shape import ShapeSeed
from cellml.sim.direct import factorise
from cellml.sim.engine.space import Space
from cellml.sim.errors import SimulationError


def potential(points: Tensor, tets: NDArray[np.int64], load: Tensor, held: NDArray[np.int64], values: Tensor) -> Tensor:
    """−∇²u = f on P1 elements, u given at some nodes, ∂ₙu = 0 elsewhere on the boundary; u at all points, (P,), 0 where no tetrahedron is.

    points: (P, 3) float64 in µm; tets: (T, 4), which hang together; load: (P,) float64, ∫ f φ_i; held: (H,) different points, values:
    (H,) float64 there. With gradient to points, load and values, exact for the discrete equations. Raises SimulationError where no node is
    held: the potential is determined up to a constant then.
    """
    space = Space(points.detach().numpy(), tets)
    local = space.local(held)
    if not len(held) or (local < 0).any():
        raise SimulationError(
            f"A potential needs nodes at which it is held; {int((local >= 0).sum())} of {len(held)} given points are nodes."
        )
    return _Potential.apply(points, load, values, space, local)  # type: ignore[no-any-return, no-untyped-call]


class _Potential(torch.autograd.Function):
    """(points, load, values) ↦ u."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, load: Tensor, values: Tensor, space: Space, held: NDArray[np.int64]) -> Tensor:
        free = np.setdiff1d(np.arange(len(space.nodes)), held)
        u = np.zeros(len(space.nodes))
        u[held] = values.detach().numpy()
        right = load.detach().numpy()[space.nodes] - space.stiffness @ u
        solve = factorise(space.stiffness[free][:, free])
        u[free] = solve(right[free])
        ctx.solve, ctx.space, ctx.free, ctx.held, ctx.u = solve, space, free, held, u
        return _everywhere(u, space)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, cotangent: Tensor) -> Any:
        space, by_node = ctx.space, cotangent.numpy()[ctx.space.nodes]
        multiplier = np.zeros(len(space.nodes))
        multiplier[ctx.free] = ctx.solve(by_node[ctx.free])  # K is symmetric
        of_values = torch.from_numpy((by_node - space.stiffness @ multiplier)[ctx.held])
        of_points = None
        if ctx.needs_input_grad[0]:
            seed = ShapeSeed(space, lumped=False)
            seed.add_stiffness(-multiplier, ctx.u)
            of_points = torch.from_numpy(seed.pull_back())
        return of_points, _everywhere(multiplier, space), of_values, None, None


def _everywhere(by_node: NDArray[np.float64], space: Space) -> Tensor:
    values = np.zeros(len(space.points))
    values[space.nodes] = by_node
    return torch.from_numpy(values)
