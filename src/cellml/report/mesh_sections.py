"""The sections on geometry: surfaces in 3D, mesh quality, and the simulated field."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress

from cellml.errors import FileError
from cellml.report.certificate_sections import certificate_tables
from cellml.report.field3d import FieldOnMesh, field_comparison_3d
from cellml.report.markup import Html, number, picture, scene, table, unit_text
from cellml.report.mesh_artefacts import MeshArtefact
from cellml.report.palette import distinct_colour, label_colours
from cellml.report.quality_figure import DIHEDRAL_GATE, MOST_GROUPS, SURFACE_GATE, QualitySample, outside, pooled, quality_figure
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.simulation_sections import SPECIES_FILE, described_species
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
    """Distributions of the meshes' quality, a table of their sizes, and what their certificates state."""
    groups = _quality_groups(run.meshes)
    low = sum(outside(sample.dihedrals, DIHEDRAL_GATE) for sample in groups.values())
    off = sum(outside(sample.surface_angles, SURFACE_GATE) for sample in groups.values())
    caption = (
        f"Histogram and Gaussian kernel density, each of area 1. Dashed: gates of {DIHEDRAL_GATE[0]:g}° for dihedral and "
        f"{SURFACE_GATE[0]:g}–{SURFACE_GATE[1]:g}° for surface angles. Outside: {number(low)} dihedral and {number(off)} surface angles."
    )
    drawn = picture(quality_figure(groups), alt="Histograms of mesh quality with density curves", caption=caption)
    return Html(drawn + _mesh_table(run.meshes) + _certificates(run.meshes))


def field_section(run: RunFolder) -> Html:
    """The simulated field on the meshes."""
    meaning = run.summary.nodal_field
    species: Container[str] = ()
    with suppress(AbsentError, FileError):
        species = described_species(run.path / SPECIES_FILE)
    carried = list(dict.fromkeys(name for mesh in run.meshes for name in mesh.fields if name not in species))
    if not carried:
        raise AbsentError("no mesh carries a nodal field" if not species else "there are no fields but those of the species")
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
    certified = [(_object_name(m.object_id), m.role or "–", m.certificate) for m in meshes if m.certificate]
    bare = len(meshes) - len(certified)
    lacking = f"<p>{bare} of {len(meshes)} meshes have no certificate.</p>" if bare else ""
    return Html(f"<h3>Certificates</h3>{lacking}{certificate_tables(certified) if certified else ''}")


def _quality_groups(meshes: Sequence[MeshArtefact]) -> dict[str, QualitySample]:
    """Quality by role, and where a mesh has several regions by region; beyond the palette's reach the smallest regions are one group."""
    several = any(len(set(m.mesh.regions.tolist())) > 1 for m in meshes)
    samples: dict[str, list[QualitySample]] = {}
    for title, found in _by_role(meshes).items():
        for mesh in found.values():
            for region, sample in mesh.quality_by_region.items():
                name = title if not several else (region if title == "meshes" else f"{title}: {region}")
                samples.setdefault(name, []).append(sample)
    groups = {name: pooled(parts) for name, parts in samples.items()}
    if len(groups) <= MOST_GROUPS:
        return groups
    order = sorted(groups, key=lambda name: -groups[name].tets)
    rest = order[MOST_GROUPS - 1 :]
    return {name: groups[name] for name in order[: MOST_GROUPS - 1]} | {f"{len(rest)} others": pooled(groups[name] for name in rest)}
