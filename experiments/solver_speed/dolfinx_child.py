"""What dolfinx needs for a mesh, run by the system's Python: `/usr/bin/python3 dolfinx_child.py mesh.npz '{"steps": 20, …}'`.

Prints one line of JSON. Forms are compiled before the clock starts.
"""

import json
import resource
import sys
import time

import numpy as np


def main():
    import ufl
    from dolfinx import fem, mesh
    from dolfinx.fem.petsc import assemble_matrix
    from mpi4py import MPI
    from petsc4py import PETSc

    task = json.loads(sys.argv[2])
    with np.load(sys.argv[1]) as archive:
        points, tets, source = archive["points"], archive["tets"], archive["source"]
    begin = time.process_time()
    domain = mesh.create_mesh(MPI.COMM_SELF, tets, points, ufl.Mesh(ufl.VectorElement("Lagrange", ufl.Cell("tetrahedron"), 1)))
    answer = {"mesh_s": time.process_time() - begin, "tets": len(tets)}
    V = fem.FunctionSpace(domain, ("Lagrange", 1))
    u, v = ufl.TrialFunction(V), ufl.TestFunction(V)
    forms = [fem.form(ufl.inner(u, v) * ufl.dx), fem.form(ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx)]

    begin = time.process_time()
    V = fem.FunctionSpace(domain, ("Lagrange", 1))
    answer["space_s"] = time.process_time() - begin
    times = []
    for _ in range(task["assemblies"]):
        begin = time.process_time()
        mass, stiffness = (assemble_matrix(form) for form in forms)
        mass.assemble()
        stiffness.assemble()
        times.append(time.process_time() - begin)
    answer["assembly_s"] = float(np.median(times))
    answer["unknowns"] = mass.getSize()[0]
    if task["steps"]:
        answer |= stepping(task, mass, stiffness, same_points(points, V.tabulate_dof_coordinates()), source, PETSc)
    answer["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(answer))


def same_points(points, others):
    """For each of the others, the number of the point that it is."""
    ours, theirs = (np.lexsort(np.round(x, 9).T) for x in (points, others))
    number = np.empty(len(others), np.int64)
    number[theirs] = ours
    return number


def stepping(task, mass, stiffness, originals, source, PETSc):
    """Backward Euler from 1 on the source, 0 elsewhere."""
    h = task["step"]
    start = np.isin(originals, source).astype(float)
    u, b = mass.createVecs()
    u.setArray(start)
    weights = mass.createVecLeft()
    ones = u.duplicate()
    ones.set(1.0)
    mass.mult(ones, weights)
    before = weights.dot(u)
    begin = time.process_time()
    system = mass.copy()
    system.axpy(h, stiffness, PETSc.Mat.Structure.SAME_NONZERO_PATTERN)
    solver = PETSc.KSP().create(PETSc.COMM_SELF)
    solver.setOperators(system)
    kind = task["solver"]
    solver.setType("preonly" if kind == "lu" else "cg")
    solver.getPC().setType({"jacobi": "jacobi", "lu": "lu", "gamg": "gamg", "icc": "icc"}[kind])
    solver.setTolerances(rtol=task["tolerance"], max_it=10000)
    if kind != "lu":
        solver.setInitialGuessNonzero(True)
    solver.setUp()
    prepared = time.process_time()
    iterations = 0
    for _ in range(task["steps"]):
        mass.mult(u, b)
        solver.solve(b, u)
        iterations += solver.getIterationNumber()
    ended = time.process_time()
    final = np.empty(len(start))
    final[originals] = u.getArray()
    np.save(task["into"], final)
    return {
        "prepare_s": prepared - begin,
        "stepping_s": ended - prepared,
        "iterations": iterations / task["steps"],
        "drift": abs(weights.dot(u) / before - 1.0),
    }


if __name__ == "__main__":
    main()
