"""Learning a stored energy from the force that holds a stretched body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.sim.constitutive.balance import Stretched
from cellml.sim.constitutive.convex_energy import ConvexEnergy
from cellml.sim.constitutive.learned import linear_deviation
from cellml.sim.errors import SimulationError
from cellml.sim.estimation.fit import normal_quantile

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LearnedEnergy:
    """A maximum of the posterior.

    The band knows of the errors of the forces alone. Where one force cannot tell resistance to shear from that to change of volume, as that
    of a short bar with held ends, an equally good energy of another ratio may lie outside.

    z: (K + 2,); covariance: (K + 2, K + 2), Laplace's; chi2: Σ ((force − measured)/sd)².
    """

    energy: ConvexEnergy
    z: Floats
    covariance: Floats
    chi2: float

    def uniaxial(self, stretches: Floats, *, level: float = 0.9) -> tuple[Floats, Floats, Floats]:
        """Nominal stress (n,) in Pa of a free bar at stretches (n,), and the ends of its interval, linear about the maximum."""
        best = self.energy.uniaxial(self.z, stretches)
        spread = linear_deviation(lambda z: self.energy.uniaxial(z, stretches), self.z, self.covariance)
        half = normal_quantile(0.5 + level / 2) * spread
        return best, best - half, best + half


def learn_energy(body: Stretched, forces: Floats, sd: Floats, start: Floats, *, spread: float = 2.0) -> LearnedEnergy:
    """Find the energy whose body is held by the measured forces.

    forces, sd: (S,) in pN at the fractions of the body; start: (K + 2,) from `ConvexEnergy.start`; spread: deviation of the normal prior
    of z about `start`. Gauss–Newton with a trust region (Branch, Coleman & Li 1999); slopes by the adjoint of each force. Raises
    SimulationError for other numbers of forces, deviations that are not positive, and a body that does not balance.
    """
    from scipy.optimize import least_squares

    if len(forces) != len(body.fractions) or len(sd) != len(forces) or not (np.asarray(sd) > 0).all():
        raise SimulationError(f"{len(body.fractions)} forces with positive deviations are needed, got {len(forces)} and {len(sd)}.")

    last: dict[bytes, list[Floats]] = {}

    def states(z: Floats) -> list[Floats]:
        if z.tobytes() not in last:
            last.clear()
            last[z.tobytes()] = list(body.path(z))
        return last[z.tobytes()]

    def residuals(z: Floats) -> Floats:
        told = np.array([body.holding(z, u) for u in states(z)])
        return np.concatenate([(told - forces) / sd, (z - start) / spread])

    def slopes(z: Floats) -> Floats:
        rows = np.array([body.derivative(z, u) for u in states(z)])
        return np.concatenate([rows / np.asarray(sd)[:, None], np.eye(len(z)) / spread])

    found = least_squares(residuals, start, jac=slopes, xtol=1e-6, ftol=1e-8, gtol=1e-8, max_nfev=60)
    covariance = np.linalg.inv(found.jac.T @ found.jac)
    return LearnedEnergy(body.energy, found.x, covariance, float(np.sum(found.fun[: len(forces)] ** 2)))
