"""The verb `cellml mesh`: a label file in, a certified mesh out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError, FileError
from cellml.meshing.errors import MeshingError
from cellml.meshing.gate import Gate

if TYPE_CHECKING:
    from rich.table import Table

    from cellml.meshing.certificate import Certificate

_SUFFIXES = (".vtu", ".msh")


def mesh_file(
    input: str,
    output: str,
    label: int | None = None,
    spacing_nm: Sequence[float] | None = None,
    edge_nm: float | None = None,
    cut_faces: bool = True,
    timeout_s: float = 120.0,
    gate: Mapping[str, float] | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Mesh a label file and write the mesh, its certificate beside it as `.json`, and a short table to the terminal.

    input: labels, `FILE.npz:NAME`, `FILE.h5:/dataset` or a known data set's name; output: `.vtu` or `.msh`; label: this one only (all, at
    most 8, if None); spacing_nm: (z, y, x) where the file does not say; edge_nm, cut_faces, timeout_s: as in `mesh_labels`; gate: fields of
    `Gate` that differ from its defaults; force: write a mesh that fails its gate.
    Returns the certificate as plain containers. Raises MeshingError, and writes nothing, if the mesh fails its gate and `force` is not set.
    """
    from rich.console import Console

    from cellml.data.references import resolve
    from cellml.io import read_labels, write_json, write_mesh
    from cellml.io.overlap import require_apart
    from cellml.meshing.mesher import mesh_labels

    target = _target(output)
    limits = _limits(gate or {})
    reference, warning = resolve(input, "labels")
    require_apart(output, reference)
    labels = read_labels(reference, spacing_nm=spacing_nm)
    result = mesh_labels(labels, label=label, edge_nm=edge_nm, cut_faces=cut_faces, timeout_s=timeout_s, gate=limits)
    console = Console()
    if warning:
        console.print(warning, style="bold yellow")
    console.print(_table(result.certificate))
    reasons = result.certificate.passes(limits)
    if reasons and not force:
        raise MeshingError(
            f"The mesh of {input} fails its gate, so {output} was not written: {'; '.join(reasons)}. Another edge_nm often helps; "
            "force=true writes it all the same."
        )
    certificate = result.certificate.as_dict() | {"gate_failures": reasons}
    write_mesh(result.mesh, target)
    write_json(target.with_suffix(".json"), certificate)
    console.print(
        f"{target} and {target.with_suffix('.json').name} written"
        + (f", although it fails its gate: {'; '.join(reasons)}." if reasons else ".")
    )
    return certificate


def _target(output: str) -> Path:
    """The file to write, known to be of a mesh format before minutes are spent."""
    target = Path(output).expanduser()
    if target.suffix.lower() not in _SUFFIXES:
        raise FileError(f"output={output} has no suffix of a tetrahedral mesh; use {' or '.join(_SUFFIXES)}.")
    return target


def _limits(gate: Mapping[str, float]) -> Gate:
    known = [field.name for field in fields(Gate)]
    unknown = sorted(set(gate) - set(known))
    if unknown:
        raise CellmlError(f"The gate has no limit {unknown[0]!r}; it has {', '.join(known)}.")
    return Gate(**gate)


def _table(certificate: Certificate) -> Table:
    from rich.table import Table

    table = Table(
        "region", "volume µm³", "against voxels", "boundary", "Euler number", title=f"{certificate.name}: {_summary(certificate)}"
    )
    for name, region in certificate.regions.items():
        flags = {"closed": region.closed, "oriented": region.oriented, "manifold": region.manifold}
        table.add_row(
            name,
            f"{region.volume_nm3 * 1e-9:.4g}",
            f"{100 * region.volume_error:+.2f} %",
            ", ".join(flag if holds else f"not {flag}" for flag, holds in flags.items()),
            f"{region.euler} (voxels {region.euler_before})",
        )
    for repair in certificate.repairs:
        table.add_row("repair", "", "", repair, "")
    return table


def _summary(certificate: Certificate) -> str:
    return (
        f"{certificate.tets} tetrahedra, smallest dihedral angle {certificate.dihedral_min_deg:.1f}°, "
        f"membrane {certificate.membrane_area_nm2 * 1e-6:.4g} µm², {certificate.cpu_s:.1f} CPU s"
    )
