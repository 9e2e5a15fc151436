"""The verb `cellml mesh`: labels, signed distances or a surface in, a certified mesh out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.meshing.errors import MeshingError
from cellml.meshing.gate import Gate

if TYPE_CHECKING:
    from cellml.meshing.mesher import MeshResult
    from cellml.types import Labels, Volume

_SURFACES = (".off", ".ply", ".stl", ".obj")
_PICTURES = (".png", ".html")
_VERSIONS = ("2.2", "4.1")
KINDS = ("labels", "distance")


def mesh_file(
    input: str,
    output: str,
    kind: str = "labels",
    label: int | None = None,
    spacing_nm: Sequence[float] | None = None,
    unit: str | None = None,
    sample_nm: float | None = None,
    voxel_nm: float | None = None,
    edge_nm: float | None = None,
    components: str = "all",
    align: bool = False,
    thicken: bool = False,
    cut_faces: bool = True,
    contact: str = "fuse",
    cleft_nm: float | None = None,
    host: int = 0,
    names: Mapping[int, str] | None = None,
    membranes: Mapping[str, Sequence[int | str]] | None = None,
    patches: Mapping[str, str] | None = None,
    picture: str | None = None,
    version: str | float | None = None,
    timeout_s: float = 120.0,
    gate: Mapping[str, float] | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Mesh a file and write the mesh, its certificate beside it as `.json`, and a short table to the terminal.

    input: labels, `FILE.npz:NAME`, `FILE.h5:/dataset` or a known data set's name; with kind="distance" a volume of signed distances in nm,
    negative inside, a channel a region; or a surface (.off, .ply, .stl, .obj), whose lengths are in `unit` and are sampled every
    `sample_nm` and compared in units of `voxel_nm`, the longest voxel edge of the image that it came from.
    output: one of the mesh suffixes of `cellml.io`; label: this one only (all if None); spacing_nm: (z, y, x) where the file does not say;
    names: of labels; membranes: pairs of regions by name; patches: a mask file by name; picture: `.png` or `.html`; version: of `.msh`;
    gate: fields of `Gate` that differ from its defaults; force: write a mesh that fails its gate. The rest as in `mesh_labels`.
    Returns the certificate as plain containers. Raises MeshingError, and writes nothing, if the mesh fails its gate and `force` is not set.
    """
    from rich.console import Console

    from cellml.data.references import resolve
    from cellml.io import read_labels, write_json, write_mesh
    from cellml.io.overlap import require_apart
    from cellml.meshing.certificate_tables import certificate_tables
    from cellml.meshing.progress import progress_line

    target = _target(output, picture, version)
    if kind not in KINDS:
        raise CellmlError(f"kind={kind} is not known; use {' or '.join(KINDS)}. A surface is known by its suffix ({', '.join(_SURFACES)}).")
    limits = _limits(gate or {})
    surface = Path(input).suffix.lower() in _SURFACES
    reference, warning = (input, None) if surface else resolve(input, "labels" if kind == "labels" else "image")
    require_apart(output, reference)
    masks = {name: read_labels(resolve(mask, "labels")[0]) for name, mask in (patches or {}).items()}
    shared: dict[str, Any] = {"edge_nm": edge_nm, "timeout_s": timeout_s, "gate": limits, "patches": masks}
    regions = {"cut_faces": cut_faces, "membranes": {name: _pair(name, pair) for name, pair in (membranes or {}).items()}}
    console = Console()
    with progress_line(f"meshing {input}") as tell:
        shared["tell"] = tell
        if surface:
            result = _of_surface(reference, unit, sample_nm, voxel_nm, shared)
        elif kind == "distance":
            result = _of_distances(reference, spacing_nm, shared | regions)
        else:
            choice: dict[str, Any] = {"label": label, "components": components, "align": align, "thicken": thicken}
            choice |= {"contact": contact, "cleft_nm": cleft_nm, "host": host}
            result = _of_labels(reference, spacing_nm, names or {}, shared | regions | choice)
    if warning:
        console.print(warning, style="bold yellow")
    console.print(*certificate_tables(result.certificate), *(f"repair: {said}" for said in result.certificate.repairs), sep="\n")
    reasons = result.certificate.passes(limits)
    if reasons and not force:
        raise MeshingError(
            f"The mesh of {input} fails its gate, so {output} was not written: {'; '.join(reasons)}. Another edge_nm often helps; "
            "force=true writes it all the same."
        )
    certificate = result.certificate.as_dict(limits)
    write_mesh(result.mesh, target, version=None if version is None else str(version))
    write_json(target.with_suffix(".json"), certificate)
    written = [str(target), target.with_suffix(".json").name]
    if picture:
        from cellml.report.mesh_picture import draw_mesh

        draw_mesh(result.mesh, Path(picture).expanduser(), certificate=result.certificate)
        written.append(picture)
    failing = f", although it fails its gate: {'; '.join(reasons)}." if reasons else "."
    console.print(f"{', '.join(written[:-1])} and {written[-1]} written{failing}", soft_wrap=True)
    return certificate


def _of_surface(path: str, unit: str | None, sample_nm: float | None, voxel_nm: float | None, options: Mapping[str, Any]) -> MeshResult:
    from cellml.io import read_surface
    from cellml.io.likely_size import warn_of_size
    from cellml.meshing.foreign import mesh_surface

    surface = read_surface(path, unit=unit)
    warn_of_size([surface], path)
    return mesh_surface(surface, spacing_nm=sample_nm, voxel_nm=voxel_nm, **options)


def _of_distances(reference: str, spacing_nm: Sequence[float] | None, options: Mapping[str, Any]) -> MeshResult:
    from cellml.meshing.fields import mesh_fields

    return mesh_fields(_distances(reference, spacing_nm), **options)


def _of_labels(reference: str, spacing_nm: Sequence[float] | None, names: Mapping[int, str], options: Mapping[str, Any]) -> MeshResult:
    from cellml.io import read_labels
    from cellml.meshing.labels import mesh_labels

    return mesh_labels(_named(read_labels(reference, spacing_nm=spacing_nm), names), **options)


def _target(output: str, picture: str | None, version: str | float | None) -> Path:
    """The file to write, known to be of a mesh format, and the picture to be one, before minutes are spent."""
    from cellml.io.meshes import MESH_SUFFIXES

    target = Path(output).expanduser()
    if target.suffix.lower() not in MESH_SUFFIXES:
        raise FileError(f"output={output} has no suffix of a mesh; use one of {', '.join(MESH_SUFFIXES)}.")
    for place in (target, *((Path(picture).expanduser(),) if picture else ())):
        _require_folder(place)
    if version is not None and (target.suffix.lower() != ".msh" or str(version) not in _VERSIONS):
        raise CellmlError(f"version={version} must be {' or '.join(_VERSIONS)}, and goes with an output .msh; output is {output}.")
    if picture and Path(picture).suffix.lower() not in _PICTURES:
        raise FileError(f"picture={picture} has no suffix of a picture; use {' or '.join(_PICTURES)} (which can be turned).")
    return target


def _require_folder(place: Path) -> None:
    """Raise FileError if no file can be made there, before minutes are spent."""
    folder = next(parent for parent in place.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise FileError(f"{place} cannot be written: {folder} is a file, not a folder.")
    if not os.access(folder, os.W_OK):
        raise FileError(f"{place} cannot be written: there is no permission to write in {folder}.")


def _limits(gate: Mapping[str, float]) -> Gate:
    known = [field.name for field in fields(Gate)]
    unknown = sorted(set(gate) - set(known))
    if unknown:
        raise CellmlError(f"The gate has no limit {unknown[0]!r}; it has {', '.join(known)}.")
    return Gate(**gate)


def _pair(name: str, pair: Sequence[int | str]) -> tuple[int | str, int | str]:
    if isinstance(pair, str) or len(pair) != 2:
        raise CellmlError(f"Membrane {name!r} must name two regions, as in membranes={{{name}: [1, 0]}}, got {pair!r}.")
    return pair[0], pair[1]


def _named(labels: Labels, names: Mapping[int, str]) -> Labels:
    absent = [number for number in names if not (labels.data == number).any()]
    if absent:
        raise CellmlError(f"names gives a name to label {absent[0]}, which {labels.name!r} does not hold.")
    twice = [name for name in names.values() if list(names.values()).count(name) > 1]
    if twice:
        raise CellmlError(f"names gives {twice[0]!r} to two labels; a region needs a name of its own.")
    return replace(labels, names={**labels.names, **{int(number): str(name) for number, name in names.items()}})


def _distances(reference: str, spacing_nm: Sequence[float] | None) -> dict[str, Volume]:
    """Signed distances by region, one for each channel of the file."""
    from cellml.io import read_volume

    volume = read_volume(reference, spacing_nm=spacing_nm)
    if volume.axes == "ZYX":
        return {"inside": volume}
    if volume.axes != "CZYX":
        raise CellmlError(f"{reference} has axes {volume.axes}; signed distances are ZYX, or CZYX with a channel for each region.")
    channels = volume.channels or tuple(f"region_{i}" for i in range(1, len(volume.data) + 1))
    return {
        name: replace(volume, data=np.asarray(data), axes="ZYX", channels=(), name=name)
        for name, data in zip(channels, volume.data, strict=True)
    }
