"""The sections on geometry: surfaces in 3D, mesh quality, and the simulated field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from cellml.errors import FileError
from cellml.meshing.quality import dihedral_angles, surface_angles
from cellml.meshing.topology import boundary_facets
from cellml.report.angles import DIHEDRAL_GATE, SURFACE_GATE, angle_histograms, outside
from cellml.report.field3d import FieldOnMesh, field_comparison_3d
from cellml.report.markup import Html, details, escape, number, picture, scene, table
from cellml.report.mesh_artefacts import MeshArtefact
from cellml.report.palette import distinct_colour, label_colours
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.surfaces3d import surfaces_3d
from cellml.types import Surface

_MOST_FIELDS = 4  # objects whose field is drawn: two views of two meshes each must stay within the triangles of a scene


def geometry_section(run: RunFolder) -> Html:
    """Surfaces of all meshes in 3D, truth beside prediction."""
    grouped = _by_role(run.meshes)
    objects = list(dict.fromkeys(m.object_id for m in run.meshes))
    views: dict[str, list[Surface | None]] = {}
    for title, meshes in grouped.items():
        views[title] = [_boundary(meshes[name]) if name in meshes else None for name in objects]
    figure = surfaces_3d(views, _colours(objects, evaluated_objects(run)), [_object_name(name) for name in objects])
    caption = (
        "Outer surfaces of the tetrahedral meshes. Drag to rotate, scroll to zoom; both views turn together. A click on an object in the "
        "legend hides or shows it, a double click shows it alone. Surfaces are reduced for display only."
    )
    return scene(figure, caption=caption, linked_cameras=True)


def mesh_section(run: RunFolder) -> Html:
    """Angle distributions of the meshes, and a table of their sizes and certificates."""
    grouped = _by_role(run.meshes)
    dihedrals, corners = {}, {}
    for title, meshes in grouped.items():
        dihedrals[title] = np.concatenate([dihedral_angles(m.mesh.points, m.mesh.tets).ravel() for m in meshes.values()])
        corners[title] = np.concatenate([surface_angles(m.mesh.points, boundary_facets(m.mesh.tets)).ravel() for m in meshes.values()])
    low = sum(outside(a, DIHEDRAL_GATE) for a in dihedrals.values())
    off = sum(outside(a, SURFACE_GATE) for a in corners.values())
    caption = (
        f"Histogram (bins of 2.5°) and Gaussian kernel density of all meshes together. Dashed: gates of {DIHEDRAL_GATE[0]:g}° for "
        f"dihedral and {SURFACE_GATE[0]:g}–{SURFACE_GATE[1]:g}° for surface angles. Outside: {number(low)} dihedral and "
        f"{number(off)} surface angles."
    )
    drawn = picture(angle_histograms(dihedrals, corners), alt="Histograms of mesh angles with density curves", caption=caption)
    return Html(drawn + _mesh_table(run.meshes))


def field_section(run: RunFolder) -> Html:
    """The simulated field on the meshes."""
    meaning = run.summary.nodal_field
    carrying = [m for m in run.meshes if meaning.name in m.fields]
    if not carrying:
        raise AbsentError(f"no mesh carries the nodal field {meaning.name!r}")
    counts = {name: sum(m.object_id == name for m in carrying) for name in dict.fromkeys(m.object_id for m in carrying)}
    chosen = sorted(counts, key=lambda name: -counts[name])[:_MOST_FIELDS]
    views: dict[str, list[FieldOnMesh | None]] = {}
    for title, meshes in _by_role(carrying).items():
        views[title] = [FieldOnMesh(meshes[n].mesh, meshes[n].fields[meaning.name]) if n in meshes else None for n in chosen]
    figure = field_comparison_3d(views, [_object_name(n) for n in chosen], meaning.unit, quantity=meaning.name)
    caption = f"{meaning.description} " if meaning.description else ""
    caption += (
        "The menu chooses the object, whole or cut open along the plane that shows most of its inside. Colours are one scale for all."
    )
    return scene(figure, caption=caption.strip(), linked_cameras=True)


def evaluated_objects(run: RunFolder) -> list[int]:
    """Numbers of the truth objects that were meshed or simulated: they keep one colour throughout the report."""
    names: list[str] = []
    with suppress(AbsentError, FileError):
        names = [row.truth_id for row in run.objects]
    with suppress(AbsentError, FileError):
        names = [mesh.object_id for mesh in run.meshes]
    return [int(name) for name in dict.fromkeys(names) if name.isdigit()]


def _colours(objects: Sequence[str], evaluated: Sequence[int]) -> list[str]:
    known = label_colours(evaluated, evaluated)
    return [known[int(n)] if n.isdigit() and int(n) in known else distinct_colour(index) for index, n in enumerate(objects)]


def _by_role(meshes: Sequence[MeshArtefact]) -> Mapping[str, dict[str, MeshArtefact]]:
    """Meshes by object under "truth", "prediction" or "meshes", in this order, empty groups left out."""
    titles = {"truth": "truth", "prediction": "prediction", "": "meshes"}
    grouped = {title: {m.object_id: m for m in meshes if m.role == role} for role, title in titles.items()}
    return {title: found for title, found in grouped.items() if found}


def _boundary(artefact: MeshArtefact) -> Surface:
    return Surface(artefact.mesh.points, boundary_facets(artefact.mesh.tets), artefact.mesh.name)


def _object_name(name: str) -> str:
    return f"object {name}" if name.isdigit() else name


def _mesh_table(meshes: Sequence[MeshArtefact]) -> Html:
    header = ["object", "geometry", "points", "tetrahedra", "volume (µm³)", "smallest dihedral (°)", "surface angles (°)", "certificate"]
    return table(header, [_mesh_row(m) for m in meshes], text_columns=2, caption="Meshes")


def _mesh_row(artefact: MeshArtefact) -> list[Any]:
    mesh = artefact.mesh
    corners = surface_angles(mesh.points, boundary_facets(mesh.tets))
    smallest = float(dihedral_angles(mesh.points, mesh.tets).min())
    volume = float(mesh.volumes().sum()) / 1e9
    spread = f"{corners.min():.1f}–{corners.max():.1f}"
    certified = details("show", Html(f"<pre>{escape(_certificate_text(artefact.certificate))}</pre>")) if artefact.certificate else "none"
    name = _object_name(artefact.object_id)
    return [name, artefact.role or "–", len(mesh.points), len(mesh.tets), volume, f"{smallest:.1f}", spread, certified]


def _certificate_text(certificate: Mapping[str, Any]) -> str:
    return json.dumps(certificate, indent=1, ensure_ascii=False)
