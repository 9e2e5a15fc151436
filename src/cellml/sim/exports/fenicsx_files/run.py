"""Solves the model in model.py on mesh.xdmf with FEniCSx; one process or many: `mpirun -n 4 python3 run.py`.

Every species is a continuous, piecewise linear field of its own on the whole mesh, held at 0 outside of its compartment or membrane. So
concentrations jump across membranes although the mesh is one piece, and a facet knows the traces of both sides without asking which side
it is seen from. With nodal values y, mass M, diffusion A = D K and the rate of each reaction interpolated at the nodes of its place,

    M (a d - b d_before) + h (A y - sum_r M_r nu_r rate_r(y, t)) - released = 0,    d = y - y_before

with a = 1, b = 0 (backward Euler) or a = (1 + 2w)/(1 + w), b = w^2/(1 + w), w = h/h_before (BDF2, after two steps of backward Euler),
solved by Newton's method. Lengths are um, times s, amounts molecules.

Written for dolfinx 0.5 to 0.10; it was run with 0.5.2. All that changed between these versions is in `p1_space` of discretisation.py.
PETSc options may follow on the command line, for example -ksp_type gmres -pc_type hypre -ksp_rtol 1e-12.
"""

import csv
import sys

import model
import numpy as np
from discretisation import COMM, HERE, NAMES, Discretisation
from dolfinx import fem, io
from mpi4py import MPI
from petsc4py import PETSc
from problem import NoConvergenceError, Problem, relative


class Recorder:
    """Writes courses.csv (a row a step) and fields.xdmf (snapshots)."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.space = problem, problem.space
        self.functionals = {name: self.space.at_point(species, point) for name, (species, point) in model.POINTS.items()}
        kinds = ("amount", "mean", "minimum", "maximum")
        self.header = ["time", *(f"{kind} of {name}" for name in NAMES for kind in kinds)]
        self.header += [f"rate of {r['name']}" for r in model.REACTIONS] + list(self.functionals)
        self.table = (HERE / "courses.csv").open("w", newline="", encoding="utf-8") if COMM.rank == 0 else None
        if self.table:
            csv.writer(self.table).writerow(self.header)
        self.field = fem.Function(self.space.V)
        self.file = io.XDMFFile(COMM, str(HERE / "fields.xdmf"), "w")
        self.file.write_mesh(self.space.mesh)

    def record(self, t: float, y: np.ndarray) -> None:
        """Measure a state."""
        row = [t]
        for i in range(len(NAMES)):
            live, w = self.problem.live[:, i], self.problem.weights[:, i]
            amount, size = COMM.allreduce(float(w @ y[:, i])), COMM.allreduce(float(w.sum()))
            lowest = COMM.allreduce(y[live, i].min(initial=np.inf), op=MPI.MIN)
            row += [amount, amount / size, lowest, COMM.allreduce(y[live, i].max(initial=-np.inf), op=MPI.MAX)]
        for reaction in model.REACTIONS:
            rate = self.problem.at_nodes(reaction["rate"], reaction["place"], y, t)
            row.append(COMM.allreduce(float(self.space.place_weights[reaction["place"]] @ rate)))
        state = self.space.vector(y)
        row += [g.dot(state) for g in self.functionals.values()]
        if self.table:
            csv.writer(self.table).writerow([repr(float(value)) for value in row])
            self.table.flush()

    def snapshot(self, t: float, y: np.ndarray) -> None:
        """Write all fields; 0 stands where a species does not live."""
        for i, name in enumerate(NAMES):
            self.field.x.array[: len(y)] = y[:, i]
            self.field.x.scatter_forward()
            self.field.name = name
            self.file.write_function(self.field, t)

    def close(self) -> None:
        """Finish the files."""
        self.file.close()
        if self.table:
            self.table.close()


def follow(problem: Problem, recorder: Recorder) -> None:
    """Step through model.TIMES; steps of backward Euler at the beginning and after each event."""
    y, load = problem.initial(), problem.released()
    d, before, since = np.zeros_like(y), 0.0, 0
    recorder.record(0.0, y)
    last = 0.0
    for t in model.TIMES:
        h, second = t - last, model.SCHEME == "bdf2" and since >= 2
        w = h / (last - before) if second else 0.0
        a, b = ((1 + 2 * w) / (1 + w), w * w / (1 + w)) if second else (1.0, 0.0)
        seen = t - 1e-9 * h if t in model.EVENTS else t  # formulas see the moment before a jump
        new = problem.step(y, d, seen, a, b, h, load)
        y, d, load, before, last = new, new - y, None, last, t
        since = 0 if t in model.EVENTS else since + 1
        recorder.record(t, y)
        if t in model.SNAPSHOTS:
            recorder.snapshot(t, y)


def settle(problem: Problem, recorder: Recorder) -> None:
    """The steady state: backward Euler with growing steps until nothing changes, which keeps conserved totals."""
    y, load, h = problem.initial(), problem.released(), model.SCALE / 1000.0
    for _ in range(200):
        try:
            new = problem.step(y, np.zeros_like(y), 0.0, 1.0, 0.0, h, load)
        except NoConvergenceError:
            h /= 4.0
            continue
        change, y, load = relative(new - y, new), new, None
        if change < 1e-11 and h >= 10 * model.SCALE:
            recorder.record(0.0, y)
            recorder.snapshot(0.0, y)
            return
        h = min(4.0 * h, 1e7 * model.SCALE)
    raise SystemExit("No steady state was found; the model may oscillate or grow.")


def main() -> None:
    """Solve the model and write the results beside this script."""
    PETSc.Options().insertString(" ".join(sys.argv[1:]))
    problem = Problem(Discretisation())
    recorder = Recorder(problem)
    (settle if model.STEADY else follow)(problem, recorder)
    recorder.close()
    if COMM.rank == 0:
        unknowns = COMM.size, problem.M.size[0]
        print(f"{model.NAME}: {unknowns[1]} unknowns on {unknowns[0]} processes; results in courses.csv and fields.xdmf")


if __name__ == "__main__":
    main()
