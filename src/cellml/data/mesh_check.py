"""`cellml check` on a mesh: its certificate, and what is wrong with it in order of harm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.data.finding import Finding, in_order_of_harm
from cellml.data.surface_check import SURFACE_SUFFIXES, is_surface_file, size_finding
from cellml.errors import FileError

if TYPE_CHECKING:
    from rich.console import Console

    from cellml.meshing.certificate import Certificate
    from cellml.meshing.region_certificate import RegionCertificate
    from cellml.types import Labels, Surface

_MESHES = (".vtu", ".msh", ".xdmf", ".xml")


def is_mesh_file(path: Any) -> bool:
    """Whether a path names a file of tetrahedra: by its suffix, or, as HDF5 holds images too, by what is in it."""
    place = Path(str(path)).expanduser()
    if place.suffix.lower() != ".h5" or not place.is_file():
        return place.suffix.lower() in _MESHES
    import h5py

    try:
        with h5py.File(place, "r") as file:
            return "mesh/topology" in file
    except OSError:
        return False


def check_mesh(path: Any, source: Any, spacing_nm: Sequence[float] | None, console: Console) -> list[Finding]:
    """Certify a mesh file, against labels or a surface if `source` names one, print its certificate, and return the findings.

    spacing_nm: (z, y, x) of labels that do not say it. Raises FileError if a file cannot be read, CellmlError if the two do not belong
    together.
    """
    from cellml.io import read_mesh
    from cellml.meshing.certificate_tables import certificate_tables
    from cellml.meshing.inspection import certify_mesh

    mesh = read_mesh(path)
    with console.status("Measuring every tetrahedron"):
        certificate = certify_mesh(mesh, None if source is None else _source(source, spacing_nm))
    for table in certificate_tables(certificate):
        console.print(table)
    return in_order_of_harm([*size_finding(mesh.points), *mesh_findings(certificate)])


def _source(reference: Any, spacing_nm: Sequence[float] | None) -> Labels | Surface:
    from cellml.io import read_labels, read_surface

    if is_mesh_file(reference):
        raise FileError(f"{reference} is a mesh; a mesh is compared with labels or with a surface ({', '.join(SURFACE_SUFFIXES)}).")
    return read_surface(reference) if is_surface_file(reference) else read_labels(reference, spacing_nm=spacing_nm)


def mesh_findings(certificate: Certificate) -> Iterator[Finding]:
    """What is wrong with a mesh by its certificate."""
    yield from _of_tetrahedra(certificate)
    yield from _of_shapes(certificate)
    for name, region in certificate.regions.items():
        yield from _of_region(name, region)
    if certificate.other_branching_edges:
        remedy = "Parts of one region touch there in an edge: thicken or separate the contact."
        yield Finding("warning", f"Membranes branch at {certificate.other_branching_edges} edges where no three regions meet", "", remedy)
    if not certificate.membranes:
        yield Finding("note", "No facet has a name", "", "Boundary conditions on a part of the surface need named facets.")


def _of_tetrahedra(certificate: Certificate) -> Iterator[Finding]:
    if certificate.inverted_tets:
        remedy = "They have no volume, or a negative one, so that no solver can use them: mesh again."
        yield Finding("fatal", f"{certificate.inverted_tets} tetrahedra are inverted or flat in exact arithmetic", "", remedy)
    if certificate.hanging_vertices:
        remedy = "The tetrahedra are not joined there, and nothing diffuses across: merge the points, or mesh the parts together."
        yield Finding("fatal", f"{certificate.hanging_vertices} vertices lie in the middle of another's edge or facet", "", remedy)
    elif not certificate.conforming:
        yield Finding("fatal", "Some facets belong to more than two tetrahedra", "", "Tetrahedra overlap or are there twice: mesh again.")
    if certificate.crossing_facets:
        remedy = "Parts of the mesh overlap in space, or touch without sharing points: repair the surface and mesh again."
        yield Finding("fatal", f"{certificate.crossing_facets} pairs of membrane facets cross or touch", "", remedy)
    if certificate.components > 1:
        remedy = "Nothing diffuses from one to the other: expected for separate objects only."
        yield Finding("note", f"The mesh has {certificate.components} parts that share no facet", "", remedy)


def _of_shapes(certificate: Certificate) -> Iterator[Finding]:
    from cellml.meshing.gate import Gate

    gate = Gate()
    if certificate.dihedral_min_deg < gate.min_dihedral_deg:
        what = f"{certificate.tets_below_10_deg} of {certificate.tets} tetrahedra have a dihedral angle below 10°"
        remedy = "They spoil the condition of the stiffness matrix, or its accuracy: optimise the mesh, or mesh again."
        yield Finding("warning", what, f"smallest {certificate.dihedral_min_deg:.2g}°", remedy)
    low, high = certificate.surface_angle_min_deg, certificate.surface_angle_max_deg
    if low < gate.surface_angle_min_deg or high > gate.surface_angle_max_deg:
        span = f"{gate.surface_angle_min_deg:g}–{gate.surface_angle_max_deg:g}°"
        what = f"{100 * certificate.surface.share_outside_range:.2g} % of the angles of surface triangles lie outside {span}"
        yield Finding("warning", what, f"they run from {low:.1f}° to {high:.1f}°", "Fluxes and curvature are inaccurate there.")


def _of_region(name: str, region: RegionCertificate) -> Iterator[Finding]:
    from cellml.meshing.gate import Gate

    gate, where = Gate(), f"region {name}"
    if region.faults:
        remedy = "Parts of it touch in an edge or a point: separate or join them before anything is painted on that surface."
        yield Finding("warning", f"The boundary is {', '.join(region.faults)}", where, remedy)
    if region.topology_changed:
        before = f"{region.components_before} components and Euler number {region.euler_before}"
        what = f"The source has {before}, the mesh {region.components} and {region.euler}"
        yield Finding("warning", what, where, "A handle, a hole or a piece was lost or gained: look whether it matters.")
    error = region.volume_error
    if error is not None and abs(error) > gate.volume_limit(float("inf") if region.thickness_voxels is None else region.thickness_voxels):
        remedy = "Concentrations and capacities change by as much: mesh finer, or restore the volume."
        yield Finding("warning", f"The volume differs by {100 * error:+.1f} % from its source", where, remedy)
    distance = region.distance_p99_voxels
    if distance is not None and distance > gate.distance_p99_voxels:
        remedy = "A part is lost, added or out of place: compare the two in a picture."
        yield Finding("warning", f"1 % of the boundary lies further than {distance:.2f} voxels from its source", where, remedy)
