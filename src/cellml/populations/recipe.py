"""What is done with each shape of a population: from a surface to a certified mesh, its descriptors, and a model's observables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cellml.errors import CellmlError
from cellml.populations.members import Member
from cellml.types import Surface, TetMesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cellml.sim.observables import Observable

BaseRule = Literal["auto", "cut", "lowest", "none"]
Idealisation = Literal["capsule", "ball_and_stick"]
Values = dict[str, Any]


@dataclass(frozen=True)
class Measured:
    """cells: of the row of one shape; units: of each observable."""

    cells: Values
    units: Mapping[str, str]


_FINER = 2.5  # times as many voxels in a second try
_PATIENCE = 10.0  # the mesher's limit is by the clock, and other work on the machine must not end ours
DETAILS = ("tetrahedra", "least_dihedral_deg")


@dataclass(frozen=True)
class Recipe:
    """How shapes are meshed and simulated.

    model: path of the model file, read in each worker; places, parameters: what replaces parts of it (`cellml.sim.overrides.overridden`);
    base: which facets are called `base`: "cut" (the fan that closed the cut, `cellml.shapes.base.cut_fan`), "lowest" (of a shape in the
    frame of its base, `cellml.shapes.evaluation.observables.facing_base`) or "none"; idealised: the kind of shape of equal volume and area
    that is simulated instead of the real one; voxels: samples inside a surface when it is meshed; errors: whether errors of time courses
    are estimated; timeout_s: of one try, of which meshing may take ten times as long by the clock; meshes: folder in which meshes are
    kept, or None.
    """

    model: Path
    base: BaseRule = "none"
    idealised: Idealisation | None = None
    voxels: int = 4000
    places: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    errors: Literal["auto", "always", "never"] = "never"
    timeout_s: float = 120.0
    meshes: Path | None = None

    def load(self) -> Any:
        """The model with its replacements: of transport or of mechanics. Raises FileError and SimulationError as reading it does."""
        from cellml.sim.mechanics_file import load_any_model
        from cellml.sim.mechanics_model import MechanicsModel
        from cellml.sim.mechanics_overrides import placed_mechanics
        from cellml.sim.overrides import overridden

        read = load_any_model(self.model)
        if not isinstance(read, MechanicsModel):
            return overridden(read, places=self.places, parameters=self.parameters)
        if self.parameters:
            raise CellmlError("A mechanical model takes no parameters; change the model file.")
        return placed_mechanics(read, self.places)

    def prepare(self) -> Callable[[Member, int], Measured]:
        """What a worker calls for each shape and try: member, number of the try from 1 → its row.

        Raises CellmlError, with the reason, for a shape that cannot be meshed or simulated.
        """
        model = self.load()
        return lambda member, attempt: self._measured(member, attempt, model)

    def _measured(self, member: Member, attempt: int, model: Any) -> Measured:
        from cellml.shapes.certified import boundary_of
        from cellml.shapes.descriptors import descriptors

        mesh, details = self.meshed(member, attempt)
        row: Values = dict(details)
        axis = way_in(mesh)
        row |= descriptors(boundary_of(mesh, mesh.name), None if axis is None else axis.tolist())
        row["base_nm2"] = "" if axis is None else _base_area(mesh)
        undefined, units = [], {}
        for observable in self._solved(mesh, model):
            units[observable.name] = observable.unit
            good = observable.status == "ok"
            row[observable.name] = observable.value if good else ""
            row[f"{observable.name}_error"] = (
                observable.discretisation_error if good and np.isfinite(observable.discretisation_error) else ""
            )
            undefined += [] if good else [f"{observable.name} is {observable.status}: {observable.reason}"]
        return Measured(row | {"reason": "; ".join(undefined)}, units)

    def _solved(self, mesh: TetMesh, model: Any) -> tuple[Observable, ...]:
        from cellml.sim.mechanics_model import MechanicsModel
        from cellml.sim.mechanics_solve import solve_mechanics
        from cellml.sim.solve import solve_model

        if isinstance(model, MechanicsModel):
            return tuple(solve_mechanics(mesh, model).observables)
        return solve_model(mesh, model, errors=self.errors).observables

    def meshed(self, member: Member, attempt: int = 1) -> tuple[TetMesh, Values]:
        """Tetrahedra of a shape, its base and head named where the rule gives it some, and the columns `DETAILS`.

        attempt: in the second, a surface is sampled 2.5 times as densely. Raises CellmlError where the mesh misses its gate.
        """
        if member.is_mesh:
            from cellml.io import read_mesh

            mesh = read_mesh(str(member.shape))
            return mesh, {"tetrahedra": len(mesh.tets), "least_dihedral_deg": ""}
        mesh, angle = self._of_surface(self._surface(member), attempt)
        if self.meshes is not None:
            from cellml.io import write_mesh

            write_mesh(mesh, self.meshes / f"{member.name}.vtu")
        return mesh, {"tetrahedra": len(mesh.tets), "least_dihedral_deg": round(angle, 3)}

    def _surface(self, member: Member) -> Surface:
        """The surface that is meshed: as it was stored, or the idealised one of its volume and area."""
        from cellml.io import read_surface

        shape = member.shape
        if isinstance(shape, Path):
            shape = read_surface(shape, unit=member.unit)
        if self.idealised is None:
            if isinstance(shape, tuple):
                raise CellmlError(f"Of {member.name!r} no more than volume and area are known; say how it is idealised.")
            return Surface(shape.vertices, shape.faces, member.name)
        from cellml.populations.idealised import BallAndStick, Capsule, surface_of

        sizes = shape if isinstance(shape, tuple) else _sizes(shape)
        ideal = Capsule.of(*sizes) if self.idealised == "capsule" else BallAndStick.of(*sizes)
        return surface_of(ideal, name=member.name)

    def _of_surface(self, surface: Surface, attempt: int) -> tuple[TetMesh, float]:
        """A mesh that passes its gate, and its least dihedral angle in degrees."""
        from cellml.meshing.foreign import mesh_surface
        from cellml.meshing.gate import Gate
        from cellml.populations.patches import BASE, with_head
        from cellml.shapes.base import with_base
        from cellml.shapes.closing import closed_shape
        from cellml.shapes.evaluation.observables import facing_base
        from cellml.shapes.spine_mesh import based_mesh

        voxels = round(self.voxels * _FINER ** (attempt - 1))
        if self.base == "cut":
            made = based_mesh(surface, voxels=voxels, timeout_s=_PATIENCE * self.timeout_s)
            return with_head(made.mesh), float(made.certificate.dihedral_min_deg)
        closed = closed_shape(surface).surface
        result = mesh_surface(closed, spacing_nm=float(np.cbrt(closed.volume() / voxels)), timeout_s=_PATIENCE * self.timeout_s)
        reasons = result.certificate.passes(Gate())
        if reasons:
            raise CellmlError(f"the mesh misses its gate: {'; '.join(reasons)}")
        mesh = result.mesh
        if self.base == "lowest":
            mesh = with_head(with_base(mesh, facing_base(mesh), BASE))
        return mesh, float(result.certificate.dihedral_min_deg)


def way_in(mesh: TetMesh) -> NDArray[np.float64] | None:
    """Direction (3,) from the middle of the base to the centre of the shape, None where it has no facets named `base`."""
    from cellml.populations.patches import BASE

    if BASE not in mesh.facet_names.values():
        return None
    volumes = mesh.volumes()
    centre = volumes @ mesh.points[mesh.tets].mean(axis=1) / volumes.sum()
    return np.asarray(centre - mesh.points[mesh.facets_named(BASE)].mean(axis=(0, 1)))


def _base_area(mesh: TetMesh) -> float:
    from cellml.populations.patches import BASE, facets_area

    return facets_area(mesh, BASE)


def _sizes(surface: Surface) -> tuple[float, float]:
    from cellml.shapes.closing import closed_shape

    closed = closed_shape(surface).surface
    return abs(closed.volume()), float(closed.areas().sum())
