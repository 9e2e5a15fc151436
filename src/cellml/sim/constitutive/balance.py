"""A body of a convex energy in balance under displacements, and how the forces that hold it depend on the energy.

With u_h held and f(u; z) = ∂(∫W)/∂u, balance is f_free = 0, and the force along a direction v of held unknowns is R = v·f. Its derivative
needs one adjoint solve for each force (K = ∂f/∂u, symmetric):

    K_ff λ = K_fh v,    dR/dz = w · ∂f/∂z = ∂/∂z ∫ P(F; z) : ∇w,    w = v on held unknowns, −λ on free ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.sim.constitutive.convex_energy import ConvexEnergy
from cellml.sim.errors import SimulationError
from cellml.sim.mechanics.assembly import displacement_gradient, internal_force, isotropic_stiffness
from cellml.sim.mechanics.conditions import Displacement, supports
from cellml.sim.mechanics.space import Space
from cellml.sim.mechanics.twolevel import positive_solver
from cellml.types import TetMesh

Floats = NDArray[np.float64]
_Parts = tuple[Floats, Floats, Floats, list[Floats]]
_ITERATIONS, _TOLERANCE = 25, 1e-10


class Stretched:
    """A body that displacements deform step by step, for energies that change.

    mesh, order: as in `cellml.sim.mechanics`; displacements: at full deformation; on, axis: the facet set whose holding force is measured,
    and along which of x, y, z (0, 1, 2); fractions: of the displacements, in the order in which they are reached.
    """

    def __init__(
        self,
        mesh: TetMesh,
        energy: ConvexEnergy,
        displacements: Sequence[Displacement],
        *,
        on: str,
        axis: int,
        fractions: Sequence[float],
        order: int = 1,
    ) -> None:
        self.energy, self.fractions = energy, tuple(float(f) for f in fractions)
        self.space = Space(mesh, order, {}, degree=max(2 * (order - 1), 1))
        self.held = supports(self.space, displacements)
        self.free = np.setdiff1d(np.arange(3 * self.space.size), self.held.dofs)
        if on not in self.held.names:
            raise SimulationError(f"No displacement is given on {on!r}, so that no force holds it; there is {', '.join(self.held.names)}.")
        mine = self.held.dofs[(self.held.owner == self.held.names.index(on)) & (self.held.dofs % 3 == axis)]
        self.direction = np.zeros(3 * self.space.size)
        self.direction[mine] = 1.0

    def forces(self, z: Tensor) -> Tensor:
        """The holding force at each fraction, (S,) in pN, differentiable by z. Raises SimulationError where balance is not found."""
        return _Forces.apply(self, z)  # type: ignore[no-any-return, no-untyped-call]

    def path(self, z: Floats) -> Iterator[Floats]:
        """Nodal displacements (3N,) in balance at each fraction, each found from the one before by Newton's iteration."""
        u, before = np.zeros(3 * self.space.size), 0.0
        for fraction in self.fractions:
            u = self._newton(z, u, fraction, fraction - before)
            before = fraction
            yield u

    def _newton(self, z: Floats, u: Floats, fraction: float, step: float) -> Floats:
        for iteration in range(_ITERATIONS):
            parts = self._parts(z, u)
            force = self._force(parts)
            scale = max(float(np.linalg.norm(force)), 1e-9 * float(np.exp(z[0])))
            if iteration and np.linalg.norm(force[self.free]) <= _TOLERANCE * scale:
                return u
            K, delta = self._stiffness(parts), np.zeros(len(u))
            if not iteration:
                delta[self.held.dofs] = step * self.held.values
            delta[self.free] = positive_solver(self.space, K, self.free)(-(force + K @ delta)[self.free])
            length = 1.0
            while iteration and length > 1e-3 and self._deformation(u + length * delta)[1].min() <= 0:
                length /= 2
            u = u + length * delta
            if self._deformation(u)[1].min() <= 0:
                break
        raise SimulationError(f"The body is not in balance at {100 * fraction:.4g} % of its displacements; give finer `fractions`.")

    def _deformation(self, u: Floats) -> tuple[Floats, Floats]:
        F = displacement_gradient(self.space, u.reshape(-1, 3)) + np.eye(3)
        return F, np.asarray(np.linalg.det(F))

    def visited(self, u: Floats) -> Floats:
        """I − 3 and J at every point of quadrature, (T·Q, 2): the states of which a force at these displacements speaks."""
        F, J = self._deformation(u)
        return np.stack([(F**2).sum(axis=(2, 3)).ravel() - 3, J.ravel()], axis=1)

    def _parts(self, z: Floats, u: Floats) -> _Parts:
        """F, F⁻ᵀ, J, and g′, g″, h′, h″ at the points of quadrature."""
        F, J = self._deformation(u)
        theta = torch.as_tensor(z)
        invariant, volume = torch.from_numpy((F**2).sum(axis=(2, 3))), torch.from_numpy(J)
        with torch.no_grad():
            slopes = [*self.energy.slopes(theta, invariant), *self.energy.volume_slopes(theta, volume)]
        return F, np.asarray(np.linalg.inv(F).swapaxes(-1, -2), np.float64), J, [slope.numpy() for slope in slopes]

    def force(self, z: Floats, u: Floats) -> Floats:
        """∂(∫W)/∂u, (3N,) in pN: P = 2 g′ F + h′ J F⁻ᵀ."""
        return self._force(self._parts(z, u))

    def _force(self, parts: _Parts) -> Floats:
        F, turned, J, (g1, _, h1, _) = parts
        return internal_force(self.space, 2 * g1[..., None, None] * F + (h1 * J)[..., None, None] * turned)

    def holding(self, z: Floats, u: Floats) -> float:
        """R, the force in pN that holds the measured facet set along its axis."""
        return float(self.direction @ self.force(z, u))

    def stiffness(self, z: Floats, u: Floats) -> Any:
        """∂²(∫W)/∂u²: 2g′ δδ + 4g″ F⊗F + (h″J² + h′J) F⁻ᵀ⊗F⁻ᵀ − h′J (F⁻ᵀ⊗F⁻ᵀ, crossed), sparse (3N, 3N)."""
        return self._stiffness(self._parts(z, u))

    def _stiffness(self, parts: _Parts) -> Any:
        F, turned, J, (g1, g2, h1, h2) = parts
        spatial, drawn = (np.ascontiguousarray(np.einsum("tqij,tnjq->tniq", A, self.space.gradients, optimize=True)) for A in (turned, F))
        zero = np.zeros_like(J)
        whole = isotropic_stiffness(self.space, spatial, h2 * J**2 + h1 * J, 2 * g1, -h1 * J)
        return whole + isotropic_stiffness(self.space, drawn, 4 * g2, zero, zero)

    def derivative(self, z: Floats, u: Floats) -> Floats:
        """dR/dz (K + 2,) at a state in balance."""
        K = self.stiffness(z, u)
        w = self.direction.copy()
        w[self.free] = -positive_solver(self.space, K, self.free)((K @ self.direction)[self.free])
        F, J = self._deformation(u)
        gradient = displacement_gradient(self.space, w.reshape(-1, 3))
        along, across = (F * gradient).sum(axis=(2, 3)), J * (np.linalg.inv(F).swapaxes(-1, -2) * gradient).sum(axis=(2, 3))
        with torch.enable_grad():
            theta = torch.as_tensor(z).clone().requires_grad_()
            g1 = self.energy.slopes(theta, torch.from_numpy((F**2).sum(axis=(2, 3))))[0]
            h1 = self.energy.volume_slopes(theta, torch.from_numpy(J))[0]
            work = torch.from_numpy(self.space.weights) * (2 * g1 * torch.from_numpy(along) + h1 * torch.from_numpy(across))
            (slope,) = torch.autograd.grad(work.sum(), theta)
        return np.asarray(slope.numpy())


class _Forces(torch.autograd.Function):
    """z (K + 2,) ↦ forces (S,)."""

    @staticmethod
    def forward(ctx: Any, body: Stretched, z: Tensor) -> Tensor:
        values = z.detach().double().numpy()
        ctx.body, ctx.z, ctx.states = body, values, list(body.path(values))
        return torch.tensor([body.holding(values, u) for u in ctx.states], dtype=torch.float64)

    @staticmethod
    def backward(ctx: Any, cotangent: Tensor) -> Any:  # type: ignore[override]
        rows = np.array([ctx.body.derivative(ctx.z, u) for u in ctx.states])
        return None, torch.from_numpy(cotangent.numpy() @ rows)
