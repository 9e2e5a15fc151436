"""The sections on geometry: surfaces in 3D, mesh quality, and the simulated field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from cellml.errors import FileError
from cellml.report.angles import DIHEDRAL_GATE, SURFACE_GATE, angle_histograms, outside
from cellml.report.comparison_tables import percent
from cellml.report.field3d import FieldOnMesh, field_comparison_3d
from cellml.report.markup import Html, details, escape, number, picture, scene, table, unit_text
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
        views[title] = [meshes[name].boundary if name in meshes else None for name in objects]
    colours = object_colours(objects, evaluated_objects(run))
    figure = surfaces_3d(views, [colours[name] for name in objects], [_object_name(name) for name in objects])
    caption = (
        "Outer surfaces of the tetrahedral meshes, reduced for display only. Drag to rotate, scroll to zoom; views side by side turn "
        "together. A click on an object in the legend hides or shows it, a double click shows it alone."
    )
    return scene(figure, caption=caption, linked_cameras=True)


def mesh_section(run: RunFolder) -> Html:
    """Angle distributions of the meshes, and a table of their sizes and certificates."""
    grouped = _by_role(run.meshes)
    dihedrals = {title: np.concatenate([m.dihedrals.ravel() for m in meshes.values()]) for title, meshes in grouped.items()}
    corners = {title: np.concatenate([m.surface_angles.ravel() for m in meshes.values()]) for title, meshes in grouped.items()}
    low = sum(outside(a, DIHEDRAL_GATE) for a in dihedrals.values())
    off = sum(outside(a, SURFACE_GATE) for a in corners.values())
    caption = (
        f"Histogram (bins of 2.5°) and Gaussian kernel density of all meshes together. Dashed: gates of {DIHEDRAL_GATE[0]:g}° for "
        f"dihedral and {SURFACE_GATE[0]:g}–{SURFACE_GATE[1]:g}° for surface angles. Outside: {number(low)} dihedral and "
        f"{number(off)} surface angles."
    )
    drawn = picture(angle_histograms(dihedrals, corners), alt="Histograms of mesh angles with density curves", caption=caption)
    return Html(drawn + _mesh_table(run.meshes) + _certificates(run.meshes))


def field_section(run: RunFolder) -> Html:
    """The simulated field on the meshes."""
    meaning = run.summary.nodal_field
    carried = list(dict.fromkeys(name for mesh in run.meshes for name in mesh.fields))
    if not carried:
        raise AbsentError("no mesh carries a nodal field")
    quantity = meaning.name if meaning.name in carried else carried[0]
    unit, description = (unit_text(meaning.unit), meaning.description) if quantity == meaning.name else ("", "")
    carrying = [mesh for mesh in run.meshes if quantity in mesh.fields]
    counts = {name: sum(m.object_id == name for m in carrying) for name in dict.fromkeys(m.object_id for m in carrying)}
    chosen = sorted(counts, key=lambda name: -counts[name])[:_MOST_FIELDS]
    views: dict[str, list[FieldOnMesh | None]] = {}
    for title, meshes in _by_role(carrying).items():
        views[title] = [FieldOnMesh(meshes[n].mesh, meshes[n].fields[quantity]) if n in meshes else None for n in chosen]
    figure = field_comparison_3d(views, [_object_name(n) for n in chosen], unit, quantity=quantity.replace("_", " "))
    caption = f"{description} " if description else ""
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


def object_colours(objects: Sequence[str], evaluated: Sequence[int]) -> dict[str, str]:
    """The colour #rrggbb of each object by name, the same in slices, 3D views and tables."""
    known = label_colours(evaluated, evaluated)
    return {n: known[int(n)] if n.isdigit() and int(n) in known else distinct_colour(index) for index, n in enumerate(objects)}


def _by_role(meshes: Sequence[MeshArtefact]) -> Mapping[str, dict[str, MeshArtefact]]:
    """Meshes by object under "truth", "prediction" or "meshes", in this order, empty groups left out."""
    titles = {"truth": "truth", "prediction": "prediction", "": "meshes"}
    grouped = {title: {m.object_id: m for m in meshes if m.role == role} for role, title in titles.items()}
    return {title: found for title, found in grouped.items() if found}


def _object_name(name: str) -> str:
    return f"object {name}" if name.isdigit() else name


def _mesh_table(meshes: Sequence[MeshArtefact]) -> Html:
    header = ["object", "geometry", "points", "tetrahedra", "volume (µm³)", "dihedral angles (°)", "surface angles (°)"]
    rows = [
        [_object_name(m.object_id), m.role or "–", len(m.mesh.points), len(m.mesh.tets), float(m.mesh.volumes().sum()) / 1e9]
        + [f"{angles.min():.1f}–{angles.max():.1f}" for angles in (m.dihedrals, m.surface_angles)]
        for m in meshes
    ]
    return table(header, rows, text_columns=2, caption="Each mesh, with its extreme angles")


def _certificates(meshes: Sequence[MeshArtefact]) -> Html:
    """What the mesher certified: the statements that decide in a table, everything in blocks that fold open."""
    certified = [m for m in meshes if m.certificate]
    bare = len(meshes) - len(certified)
    lacking = f"<p>{bare} of {len(meshes)} meshes have no certificate.</p>" if bare else ""
    flags = ["closed", "oriented", "manifold", "conforming"]
    header = ["object", "geometry", *flags, "crossing facets", "components", "volume error", "CPU time (s)"]
    stated = table(header, [_statements(m) for m in certified], text_columns=2) if certified else ""
    titles = [f"{_object_name(m.object_id)} {m.role}" for m in certified]
    blocks = "".join(f"<h4>{escape(t)}</h4><pre>{escape(_json(m.certificate))}</pre>" for t, m in zip(titles, certified, strict=True))
    return Html(f"<h3>Certificates</h3>{lacking}{stated}{details('Certificates in full', Html(blocks)) if certified else ''}")


def _statements(artefact: MeshArtefact) -> list[Any]:
    """One line of the table; a flag holds if it holds for every region, the volume error is that of the worst."""
    certificate = artefact.certificate
    regions = [r for r in dict(certificate.get("regions") or {}).values() if isinstance(r, dict)]
    flags = [all(bool(region.get(key)) for region in regions) if regions else None for key in ("closed", "oriented", "manifold")]
    errors = [abs(float(r["volume_error"])) for r in regions if "volume_error" in r]
    volume = percent(max(errors)) if errors else None
    numbers = [certificate.get(key) for key in ("conforming", "crossing_facets", "components")]
    return [_object_name(artefact.object_id), artefact.role or "–", *flags, *numbers, volume, certificate.get("cpu_s")]


def _json(certificate: Mapping[str, Any]) -> str:
    return json.dumps(certificate, indent=1, ensure_ascii=False)
