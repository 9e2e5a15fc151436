"""Forms, matrices and vectors of dolfinx."""

from pathlib import Path
from typing import Any

import model
import numpy as np
import ufl
from dolfinx import fem, io
from dolfinx.fem import petsc as assembly
from mpi4py import MPI
from petsc4py import PETSc

HERE = Path(__file__).resolve().parent
COMM = MPI.COMM_WORLD
NAMES = list(model.SPECIES)


def p1_space(mesh: Any) -> Any:
    """Continuous, piecewise linear functions."""
    if hasattr(fem, "functionspace"):  # dolfinx 0.7 and later
        return fem.functionspace(mesh, ("Lagrange", 1))
    return fem.FunctionSpace(mesh, ("Lagrange", 1))


class Discretisation:
    """Matrices and vectors on the mesh. An array with a row for each point owned by this process has a column for each species."""

    def __init__(self) -> None:
        with io.XDMFFile(COMM, str(HERE / "mesh.xdmf"), "r") as file:
            self.mesh = file.read_mesh(name="mesh")
            self.mesh.topology.create_connectivity(2, 3)
            self.regions = file.read_meshtags(self.mesh, name="regions")
            self.facets = file.read_meshtags(self.mesh, name="facets") if model.HAS_FACETS else None
        self.V = p1_space(self.mesh)
        self.dx = ufl.Measure("dx", domain=self.mesh, subdomain_data=self.regions)
        self.ds = ufl.Measure("ds", domain=self.mesh, subdomain_data=self.facets)
        self.dS = ufl.Measure("dS", domain=self.mesh, subdomain_data=self.facets)
        self.owned = self.V.dofmap.index_map.size_local
        self.first = self.V.dofmap.index_map.local_range[0]
        self.points = self.V.tabulate_dof_coordinates()
        self.assembled: dict[Any, Any] = {}
        self.place_weights = {name: self.weights(place["bulk"], place["tags"]) for name, place in model.PLACES.items()}

    def scalar(self, bulk: bool, tags: tuple[int, ...], stiffness: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the cells or facets with these tags: the sum of u v, or of grad u . grad v (along the facet, on a membrane).

        As compressed rows of the owned points: where each row starts, global columns, values.
        """
        key = (bulk, tuple(tags), stiffness)
        if key not in self.assembled:
            u, v = ufl.TrialFunction(self.V), ufl.TestFunction(self.V)
            term = ufl.inner(ufl.grad(u), ufl.grad(v)) if stiffness else ufl.inner(u, v)
            if stiffness and not bulk:
                n = ufl.FacetNormal(self.mesh)
                term -= ufl.dot(ufl.grad(u), n) * ufl.dot(ufl.grad(v), n)
            if bulk:
                whole = sum(term * self.dx(tag) for tag in tags)
            else:  # facets inside the mesh and on its boundary
                whole = sum(term * self.ds(tag) + term("+") * self.dS(tag) for tag in tags)
            A = assembly.assemble_matrix(fem.form(whole))
            A.assemble()
            self.assembled[key] = A.getValuesCSR()
            A.destroy()
        return self.assembled[key]

    def matrix(self, bulk: bool, tags: tuple[int, ...], coefficients: np.ndarray, stiffness: bool = False) -> Any:
        """The sparse matrix of a form between all species; coefficients[row, column]: of test function and field of each pair."""
        starts, columns, values = self.scalar(bulk, tags, stiffness)
        point = np.repeat(np.arange(self.owned), np.diff(starts))
        kept, n = values != 0.0, len(NAMES)
        rows, cols, data = [], [], []
        for r, c in zip(*np.nonzero(coefficients), strict=True):
            rows.append(point[kept].astype(np.int64) * n + r)
            cols.append(columns[kept].astype(np.int64) * n + c)
            data.append(values[kept] * coefficients[r, c])
        return self.from_entries(*(np.concatenate(part) if part else np.zeros(0) for part in (rows, cols, data)))

    def from_entries(self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> Any:
        """A sparse matrix from its entries: owned rows by their local numbers, columns by their global numbers."""
        order, local = np.lexsort((columns, rows)), self.owned * len(NAMES)
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows.astype(np.int64), minlength=local))])
        csr = (starts.astype(PETSc.IntType), columns[order].astype(PETSc.IntType), values[order].astype(PETSc.ScalarType))
        return PETSc.Mat().createAIJ(size=((local, None), (local, None)), csr=csr, comm=COMM)

    def weights(self, bulk: bool, tags: tuple[int, ...]) -> np.ndarray:
        """w_i, the integral of the hat function of each owned point over a place; 0 off the place."""
        starts, _, values = self.scalar(bulk, tags)
        return np.bincount(np.repeat(np.arange(self.owned), np.diff(starts)), weights=values, minlength=self.owned)

    def vector(self, values: np.ndarray | None = None) -> Any:
        """A vector with a row of values for each owned point."""
        n = len(NAMES)
        out = PETSc.Vec().createMPI((self.owned * n, None), comm=COMM)
        if values is not None:
            out.array[:] = values.ravel()
        return out

    def diagonal(self, values: np.ndarray) -> Any:
        """A diagonal matrix of an array (owned points, species)."""
        rows = np.arange(values.size)
        return self.from_entries(rows, rows + self.first * len(NAMES), values.ravel())

    def at_point(self, species: str, point: tuple[float, float, float]) -> Any:
        """The vector g with g . y the concentration of a species at a point (um), at the nearest node where it lives on a membrane."""
        place = model.PLACES[model.SPECIES[species]["place"]]
        nodes, weights, badness = self._near(place, np.array(point), model.SPECIES[species]["place"])
        _, rank = COMM.allreduce((badness, COMM.rank), op=MPI.MINLOC)
        g = self.vector()
        if rank == COMM.rank:
            rows = self.V.dofmap.index_map.local_to_global(nodes.astype(np.int32)) * len(NAMES) + NAMES.index(species)
            g.setValues(rows.astype(PETSc.IntType), weights / weights.sum(), addv=PETSc.InsertMode.ADD_VALUES)
        g.assemble()
        return g

    def _near(self, place: Any, point: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, float]:
        if not place["bulk"]:
            candidates = np.flatnonzero(self.place_weights[name] > 0)
            if not len(candidates):
                return np.zeros(1), np.ones(1), np.inf
            distance = np.linalg.norm(self.points[candidates] - point, axis=1)
            return candidates[[distance.argmin()]], np.ones(1), float(distance.min())
        cells = np.concatenate([self.regions.find(tag) for tag in place["tags"]])
        if not len(cells):
            return np.zeros(1), np.ones(1), np.inf
        corners = np.array([self.V.dofmap.cell_dofs(cell) for cell in cells])
        x = self.points[corners]
        edges = np.swapaxes(x[:, 1:] - x[:, :1], 1, 2)
        last = np.linalg.solve(edges, (point - x[:, 0])[:, :, None])[:, :, 0]
        weights = np.column_stack([1.0 - last.sum(axis=1), last])
        best = int(weights.min(axis=1).argmax())
        return corners[best], np.clip(weights[best], 0.0, None), -float(weights[best].min())
