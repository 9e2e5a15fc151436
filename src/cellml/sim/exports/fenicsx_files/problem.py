"""The equations of the model, and one implicit step of them."""

from typing import Any

import model
import numpy as np
from discretisation import COMM, NAMES, Discretisation
from petsc4py import PETSc

TOLERANCE, MOST_ITERATIONS = 1e-10, 30
SLOWEST = 0.2  # a kept matrix is renewed where corrections shrink less than by this factor
DIRECT_UP_TO = 150_000  # unknowns; beyond, GMRES with incomplete LU by blocks
SAME, OTHER = PETSc.Mat.Structure.SUBSET_NONZERO_PATTERN, PETSc.Mat.Structure.DIFFERENT_NONZERO_PATTERN


class NoConvergenceError(Exception):
    """No state was found that solves the equations of a step."""


class Problem:
    """The equations: constant matrices, and reactions by their rates at the nodes."""

    def __init__(self, space: Discretisation) -> None:
        self.space, n = space, len(NAMES)
        self.live = np.column_stack([space.place_weights[s["place"]] > 0 for s in model.SPECIES.values()])
        self.weights = np.column_stack([space.place_weights[s["place"]] for s in model.SPECIES.values()])
        mass, transport = [], []
        for name, place in model.PLACES.items():
            here = np.diag([float(s["place"] == name) for s in model.SPECIES.values()])
            if here.any():
                mass.append(space.matrix(place["bulk"], place["tags"], here))
                D = here @ np.diag([s["D"](**model.PARAMETERS) for s in model.SPECIES.values()])
                if D.any():
                    transport.append(space.matrix(place["bulk"], place["tags"], D, stiffness=True))
        zero = np.zeros((space.owned, n))
        self.M = space.diagonal(self.weights) if model.LUMPED else self._sum(mass, space.diagonal(zero))
        self.A = self._sum(transport, space.diagonal(zero))
        self.reactions = [self._reaction(r) for r in model.REACTIONS]
        self.pattern = self._sum([self.M, self.A, *(P for _, P, _ in self.reactions)], space.diagonal(zero + 1.0))
        self.pattern.setOption(PETSc.Mat.Option.KEEP_NONZERO_PATTERN, True)
        self.held = [(NAMES.index(f["species"]), self._on(f), f["value"]) for f in model.FIXED]
        self.pinned = ~self.live
        for species, nodes, _ in self.held:
            self.pinned[nodes, species] = True
        self.factor: tuple[float, float] | None = None  # a and h of the matrix behind the solver
        self.ksp: Any = None

    @staticmethod
    def _sum(matrices: list[Any], start: Any) -> Any:
        for matrix in matrices:
            start.axpy(1.0, matrix, structure=OTHER)
        return start

    def _on(self, fixed: Any) -> np.ndarray:
        species = NAMES.index(fixed["species"])
        return np.flatnonzero((self.space.weights(False, fixed["tags"]) > 0) & self.live[:, species])

    def _reaction(self, reaction: Any) -> tuple[Any, Any, int]:
        """The reaction, the matrix that spreads its rate at the nodes (in column `carrier`) over the species, and the carrier."""
        place = model.PLACES[reaction["place"]]
        inputs = [NAMES.index(s) for s in reaction["slopes"]]
        carrier = inputs[0] if inputs else 0
        C = np.zeros((len(NAMES), len(NAMES)))
        for species, copies in reaction["changes"].items():
            C[NAMES.index(species), list({carrier, *inputs})] = copies
        if not model.LUMPED:
            return reaction, self.space.matrix(place["bulk"], place["tags"], C), carrier
        return reaction, self._lumped(C, self.space.place_weights[reaction["place"]]), carrier

    def _lumped(self, C: np.ndarray, weights: np.ndarray) -> Any:
        """w_i C at every point, as a sparse matrix."""
        n, points = len(NAMES), np.flatnonzero(weights > 0)
        pairs = list(zip(*np.nonzero(C), strict=True))
        rows = np.concatenate([points * n + r for r, _ in pairs])
        columns = np.concatenate([(self.space.first + points) * n + c for _, c in pairs])
        return self.space.from_entries(rows, columns, np.concatenate([weights[points] * C[r, c] for r, c in pairs]))

    def names(self, y: np.ndarray, t: float) -> dict[str, Any]:
        """What formulas may name, at the owned points."""
        x = self.space.points[: self.space.owned]
        species = {name: y[:, i] for i, name in enumerate(NAMES)}
        others = {name: model.stimulus(name, t) for name in model.STIMULI}
        return {**model.PARAMETERS, **others, **species, "t": t, "x": x[:, 0], "y": x[:, 1], "z": x[:, 2]}

    def at_nodes(self, formula: Any, place: str, y: np.ndarray, t: float) -> np.ndarray:
        """A formula at the owned points of a place, 0 elsewhere."""
        here = self.space.place_weights[place] > 0
        given = {k: v[here] if np.ndim(v) else v for k, v in self.names(y, t).items()}
        values = np.zeros(self.space.owned)
        with np.errstate(all="ignore"):
            values[here] = formula(**given)
        return values

    def initial(self) -> np.ndarray:
        """Concentrations at time 0 without what is released then."""
        y = np.zeros_like(self.weights)
        for i, species in enumerate(model.SPECIES.values()):
            y[:, i] = self.at_nodes(species["initial"], species["place"], y, 0.0)
        return self.impose(y, 0.0)

    def impose(self, y: np.ndarray, t: float) -> np.ndarray:
        """The state with held concentrations put in."""
        y = y.copy()
        for species, nodes, value in self.held:
            place = model.SPECIES[NAMES[species]]["place"]
            y[nodes, species] = self.at_nodes(value, place, y, t)[nodes]
        return y

    def released(self) -> np.ndarray | None:
        """Molecules set free at time 0, by test function."""
        if not model.RELEASES:
            return None
        load = np.zeros_like(self.weights)
        for release in model.RELEASES:
            i, amount = NAMES.index(release["species"]), release["amount"](**model.PARAMETERS)
            if release["point"] is not None:
                load += amount * self.space.at_point(release["species"], release["point"]).array.reshape(load.shape)
                continue
            bulk, tags = release["bulk"], release["tags"]
            share = self.space.weights(bulk, tags)
            load[:, i] += amount * share / COMM.allreduce(share.sum())
        return load

    def source(self, y: np.ndarray, t: float) -> np.ndarray:
        """Sum over reactions of M_r nu_r rate_r(y, t)."""
        total, out = np.zeros_like(y), self.space.vector()
        for reaction, P, carrier in self.reactions:
            rate = np.zeros_like(y)
            rate[:, carrier] = self.at_nodes(reaction["rate"], reaction["place"], y, t)
            P.mult(self.space.vector(rate), out)
            total += out.array.reshape(y.shape)
        return total

    def prepare(self, y: np.ndarray, t: float, a: float, h: float) -> bool:
        """Have a solver for the Jacobian a M + h A - h sum_r P_r diag(slopes), with rows of pinned values replaced by the identity.

        One that is kept is used again while a and h stay the same; returns whether a new one was made.
        """
        if self.factor is not None and abs(self.factor[0] - a) < 1e-9 * a and abs(self.factor[1] - h) < 1e-9 * h:
            return False
        J = self.pattern
        J.zeroEntries()
        J.axpy(a, self.M, structure=SAME)
        J.axpy(h, self.A, structure=SAME)
        for reaction, P, _ in self.reactions:
            slopes = np.zeros_like(y)
            for name, slope in reaction["slopes"].items():
                slopes[:, NAMES.index(name)] = self.at_nodes(slope, reaction["place"], y, t)
            scaled = P.copy()
            scaled.diagonalScale(None, self.space.vector(slopes))
            J.axpy(-h, scaled, structure=SAME)
        first = self.space.first * len(NAMES)
        J.zeroRows((first + np.flatnonzero(self.pinned.ravel())).astype(PETSc.IntType), diag=1.0)
        self.factor, self.ksp = (a, h), configured(J)
        return True

    def step(self, before: np.ndarray, d: np.ndarray, t: float, a: float, b: float, h: float, load: np.ndarray | None) -> np.ndarray:
        """The state after a step that ends at t; `before`: the state before, d: its last change. Raises NoConvergenceError."""
        new, out, last, fresh = self.impose(before, t), self.space.vector(), np.inf, False
        for _ in range(MOST_ITERATIONS):
            self.M.mult(self.space.vector(a * (new - before) - b * d), out)
            left = out.array.reshape(new.shape).copy()
            self.A.mult(self.space.vector(new), out)
            left += h * (out.array.reshape(new.shape) - self.source(new, t))
            left = left if load is None else left - load
            correction, renewed = self.space.vector(), self.prepare(new, t, a, h)
            fresh = fresh or renewed
            self.ksp.solve(self.space.vector(np.where(self.pinned, 0.0, -left)), correction)
            new = new + correction.array.reshape(new.shape)
            size = relative(correction.array.reshape(new.shape), new)
            if not np.isfinite(size):
                break
            shrink = size / last if np.isfinite(last) else (size if fresh else 1.0)
            if model.LINEAR or size * min(shrink, 1.0) < TOLERANCE:
                return new
            if shrink > SLOWEST and not renewed:
                self.factor = None
            last = size
        raise NoConvergenceError(f"Newton's method does not converge at t = {t:g} s; take more steps (TIMES in model.py).")


def relative(change: np.ndarray, y: np.ndarray) -> float:
    """The largest change of a species relative to its largest value."""
    largest = np.max(COMM.allgather(np.abs(y).max(axis=0, initial=0.0)), axis=0)
    changed = np.max(COMM.allgather(np.abs(change).max(axis=0, initial=0.0)), axis=0)
    floor = max(float(largest.max()) * 1e-9, 1e-300)
    return float((changed / np.maximum(largest, floor)).max())


def configured(J: Any) -> Any:
    """A linear solver: direct for what fits, else GMRES; PETSc's options change it."""
    ksp = PETSc.KSP().create(COMM)
    ksp.setOperators(J)
    if J.size[0] <= DIRECT_UP_TO:
        ksp.setType("preonly")
        ksp.pc.setType("lu")
        ksp.pc.setFactorSolverType("mumps")
    else:
        ksp.setType("gmres")
        ksp.pc.setType("bjacobi")
        ksp.setTolerances(rtol=1e-12, max_it=1000)
    ksp.setErrorIfNotConverged(True)
    ksp.setFromOptions()
    ksp.setUp()
    return ksp
