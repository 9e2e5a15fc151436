"""Solving sparse linear systems: a factor, or conjugate gradients and their kin with a preconditioner.

Solvers by name, as in `solver=` of `cellml simulate`:

    direct    SuperLU; exact to round-off, for up to some 60,000 unknowns in three dimensions
    cg        conjugate gradients (symmetric) or BiCGSTAB, with the diagonal; for short time steps, where the mass dominates
    amg       the same with smoothed aggregation (pyamg), for long steps and steady states
    pardiso   Intel MKL through pypardiso, an optional package
    auto      cg where few iterations are expected; else direct while it is cheaper; else amg, or cg for what is not symmetric
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.previous import Previous
from cellml.sim.errors import SimulationError

Vector = NDArray[np.float64]
SOLVERS = ("auto", "direct", "cg", "amg", "pardiso")
# Unknowns up to which a factor costs less than iterations, for a matrix that is solved with often.
LARGEST_DIRECT = 60_000
FEW_ITERATIONS, MANY_ITERATIONS = 60, 200
TOLERANCE = 1e-11  # relative residual of iterative solvers
_MOST_ITERATIONS, _MOST_RESTARTS = 2000, 12
_DEEPEST_RESTART = 1e-6  # residuals that iterations carry along part from the true ones in the long run
_ROUND_OFF = 4e-16


class LinearSolveError(SimulationError):
    """A singular matrix, or iterations that do not converge; in a time step a shorter one may help."""


class LinearSolver(Protocol):
    """A matrix made ready for right-hand sides."""

    def solve(self, b: Vector, *, enough: float = 0.0) -> Vector:
        """A⁻¹ b; iterations may stop at a residual whose norm is `enough`."""

    def solve_transposed(self, b: Vector) -> Vector:
        """A⁻ᵀ b."""


def prepare(matrix: Any, solver: str = "auto", *, symmetric: bool) -> LinearSolver:
    """Make a sparse matrix (N, N) ready. symmetric: it is symmetric positive definite.

    Raises SimulationError for an unknown solver and a missing package, LinearSolveError for a singular matrix.
    """
    if solver not in SOLVERS:
        raise SimulationError(f"{solver!r} is not a solver; there are {', '.join(SOLVERS)}.")
    if solver == "auto":
        solver = _fastest(matrix, symmetric)
    if solver == "direct":
        return _superlu(matrix, symmetric)
    if solver == "pardiso":
        return _pardiso(matrix)
    return Iterative(matrix.tocsr(), symmetric, _amg(matrix) if solver == "amg" else _diagonal(matrix))


def _fastest(matrix: Any, symmetric: bool) -> str:
    """What was fastest on meshes of neurites and spines of 9,000 to 180,000 unknowns, see experiments/solver_speed."""
    needed = expected_iterations(matrix) if symmetric else np.inf
    if needed <= FEW_ITERATIONS:
        return "cg"
    if matrix.shape[0] <= LARGEST_DIRECT:
        return "direct"
    return "amg" if symmetric and needed > MANY_ITERATIONS and find_spec("pyamg") else "cg"


def expected_iterations(matrix: Any) -> float:
    """Iterations for six digits, ½ √κ ln(2·10⁶) (Saad 2003, eq. 6.128), of conjugate gradients with the diagonal D.

    κ is estimated for matrices M + h K, in which the constant is the lowest mode and Gershgorin's circles bound the highest of D⁻¹A.
    """
    diagonal = matrix.diagonal()
    highest = float((abs(matrix) @ np.ones(len(diagonal)) / diagonal).max())
    lowest = float(matrix.sum() / diagonal.sum())
    return float(0.5 * np.sqrt(max(highest / lowest, 1.0)) * np.log(2e6)) if lowest > 0 else float("inf")


@dataclass(frozen=True, eq=False)
class Direct:
    """An LU factor."""

    factor: Any

    def solve(self, b: Vector, *, enough: float = 0.0) -> Vector:
        """A⁻¹ b."""
        return np.asarray(self.factor.solve(b))

    def solve_transposed(self, b: Vector) -> Vector:
        """A⁻ᵀ b."""
        return np.asarray(self.factor.solve(b, trans="T"))


def _superlu(matrix: Any, symmetric: bool) -> Direct:
    """SuperLU with minimum degree on A + Aᵀ; pivots stay on the diagonal where the matrix is symmetric, and nearly so elsewhere.

    The patterns of finite elements are symmetric even where the values are not, so that this ordering has half the fill of the default.
    """
    from scipy.sparse.linalg import splu

    threshold = 0.0 if symmetric else 0.1
    try:
        return Direct(splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=threshold, options={"SymmetricMode": True}))
    except RuntimeError as error:
        raise LinearSolveError(
            f"The linear system of {matrix.shape[0]} unknowns is singular ({error}); the model has no unique answer."
        ) from None


@dataclass(frozen=True, eq=False)
class Iterative:
    """Preconditioned conjugate gradients (symmetric) or BiCGSTAB (van der Vorst 1992), restarted from the true residual.

    Conjugate gradients begin at what the solutions before suggest.
    """

    matrix: Any
    symmetric: bool
    preconditioner: Callable[[Vector], Vector]

    @cached_property
    def _previous(self) -> Previous:
        return Previous(self.matrix)

    def solve(self, b: Vector, *, enough: float = 0.0, tolerance: float = TOLERANCE) -> Vector:
        """A⁻¹ b to a relative residual, or one of norm `enough`; LinearSolveError if the iteration does not reach it."""
        goal = max(tolerance * float(np.linalg.norm(b)), enough)
        if not self.symmetric or float(np.linalg.norm(b)) <= goal:
            return self._solve(self.matrix, b, np.zeros_like(b), goal)
        x = self._solve(self.matrix, b, self._previous.guess(b), goal)
        self._previous.remember(x)
        return x

    def solve_transposed(self, b: Vector) -> Vector:
        """A⁻ᵀ b."""
        matrix = self.matrix if self.symmetric else self.matrix.T.tocsr()
        return self._solve(matrix, b, np.zeros_like(b), TOLERANCE * float(np.linalg.norm(b)))

    def _solve(self, matrix: Any, b: Vector, x: Vector, goal: float) -> Vector:
        r = b - matrix @ x
        for _ in range(_MOST_RESTARTS):
            left = float(np.linalg.norm(r))
            # Below the second bound nothing but round-off is left in r.
            if left <= max(goal, _ROUND_OFF * self._norm * float(np.linalg.norm(x))):
                return x
            if not np.isfinite(left):
                break
            share = max(0.7 * goal / left, _DEEPEST_RESTART)
            method = conjugate_gradients if self.symmetric else _bicgstab
            x += method(matrix, r, self.preconditioner, share)
            r = b - matrix @ x
        left, size = float(np.linalg.norm(r)), float(np.linalg.norm(b))
        raise LinearSolveError(
            f"The iterative solver stopped at a residual of {left:.1g} for a right side of {size:.1g}; {goal:.1g} is asked. "
            "Use solver=direct or solver=amg, or a shorter time step."
        )

    @cached_property
    def _norm(self) -> float:
        """Frobenius norm over √N: about the largest singular value of what finite elements assemble, from below."""
        return float(np.linalg.norm(self.matrix.data) / np.sqrt(self.matrix.shape[0]))


def conjugate_gradients(matrix: Any, b: Vector, preconditioner: Callable[[Vector], Vector], share: float) -> Vector:
    """Find x with ‖b − A x‖ ≤ share ‖b‖ by the recursive residual, or stop after too many iterations (Saad 2003, algorithm 9.1)."""
    x, r, spare = np.zeros_like(b), b.copy(), np.empty_like(b)
    z = preconditioner(r)
    p, rz = z.copy(), float(r @ z)
    target = (share * float(np.linalg.norm(b))) ** 2
    for _ in range(_MOST_ITERATIONS):
        Ap = matrix @ p
        alpha = rz / float(p @ Ap)
        x += np.multiply(p, alpha, out=spare)
        r -= np.multiply(Ap, alpha, out=Ap)
        if float(r @ r) <= target:
            break
        z = preconditioner(r)
        rz, before = float(r @ z), rz
        p *= rz / before
        p += z
    return x


def _bicgstab(matrix: Any, b: Vector, preconditioner: Callable[[Vector], Vector], share: float) -> Vector:
    from scipy.sparse.linalg import LinearOperator, bicgstab

    M = LinearOperator(matrix.shape, matvec=preconditioner, dtype=np.float64)
    size = float(np.linalg.norm(b))  # scipy takes a small b for a breakdown, in absolute terms
    return np.asarray(size * bicgstab(matrix, b / size, rtol=share, atol=0.0, maxiter=_MOST_ITERATIONS, M=M)[0])


def _diagonal(matrix: Any) -> Callable[[Vector], Vector]:
    inverse = 1.0 / matrix.diagonal()
    return lambda r: inverse * r


def _amg(matrix: Any) -> Callable[[Vector], Vector]:
    try:
        from pyamg import smoothed_aggregation_solver
    except ImportError:
        raise SimulationError("solver=amg needs the package pyamg: pip install pyamg.") from None
    from scipy.sparse import csr_matrix

    # One sweep each way is symmetric, as conjugate gradients need it, at half the price of the default's two.
    sweeps = {f"{when}smoother": ("gauss_seidel", {"sweep": sweep}) for when, sweep in (("pre", "forward"), ("post", "backward"))}
    hierarchy = smoothed_aggregation_solver(csr_matrix(matrix), **sweeps)
    return hierarchy.aspreconditioner().matvec  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class _Pardiso:
    matrix: Any
    solver: Any

    def solve(self, b: Vector, *, enough: float = 0.0) -> Vector:
        return np.asarray(self.solver.solve(self.matrix, b))

    def solve_transposed(self, b: Vector) -> Vector:
        from pypardiso import PyPardisoSolver

        transposed = self.matrix.T.tocsr()
        return np.asarray(PyPardisoSolver().solve(transposed, b))


def _pardiso(matrix: Any) -> LinearSolver:
    try:
        from pypardiso import PyPardisoSolver
        from scipy.sparse import csr_matrix
    except ImportError:
        raise SimulationError("solver=pardiso needs the package pypardiso: pip install 'cellml[pardiso]'.") from None
    prepared, solver = csr_matrix(matrix), PyPardisoSolver()
    solver.factorize(prepared)
    return _Pardiso(prepared, solver)
