"""The verb `cellml fill`: a cell or neurite in, the same filled with organelles out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError, FileError

if TYPE_CHECKING:
    from cellml.shapes.organelles.distribution import Distribution
    from cellml.shapes.organelles.fill import Filled

_MARK = "provenance.json"


def fill_file(
    input: str,
    output: str,
    organelles: Mapping[str, Mapping[str, Any]],
    cell: int | None = None,
    nucleus: int | None = None,
    inner: str | None = None,
    placement: Mapping[str, Any] | None = None,
    gap_nm: float | None = None,
    proposals: int = 640,
    redraws: int = 2,
    smallest: float = 0.5,
    partial_fill: bool = False,
    labels_suffix: str = ".zarr",
    mesh: bool = False,
    edge_nm: float | None = None,
    timeout_s: float = 600.0,
    model: str | None = None,
    spacing_nm: Sequence[float] | None = None,
    overwrite: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Fill a host with organelles of learned kinds, zero overlap verified on the meshes, and write the cell as a folder.

    input: labels of the host; cell, nucleus: its numbers in them; inner: a mask of the nucleus instead. organelles: by name, each
    what `cellml.shapes.organelles.described.described` takes, and count}. placement: what is fitted where examples have hosts, as
    `_target_`. The rest as in `cellml.shapes.organelles.fill.fill`; partial_fill: write a cell in which some found no place.
    mesh: also one conforming tetrahedral mesh of all, and a model on it (a tracer where None) for MCell and as SBML-spatial.
    Returns the summary. Raises CellmlError, and writes nothing, for bad input and a cell that is full.
    """
    from rich.console import Console

    from cellml.data.references import resolve
    from cellml.io import atomic_path, read_labels
    from cellml.meshing.progress import progress_line
    from cellml.shapes.organelles.described import described
    from cellml.shapes.organelles.fill import Effort, fill
    from cellml.shapes.organelles.host import host_of_labels

    _require_free(output, overwrite)
    if model is not None and not mesh:
        raise CellmlError(f"model={model} needs a mesh to be exported on; add mesh=true.")
    if not organelles:
        raise CellmlError("organelles names no kind; give at least one, such as {vesicles: {examples: vesicles.tif, count: 200}}.")
    began = time.perf_counter()
    console = Console()
    with progress_line(f"filling {input}") as tell:
        reference, warning = resolve(input, "labels")
        labels = read_labels(reference, spacing_nm=spacing_nm)
        nuclear = read_labels(resolve(inner, "labels")[0], spacing_nm=spacing_nm) if inner else None
        host = host_of_labels(labels, cell, nucleus, inner=nuclear)
        kinds = [described(name, dict(entry or {}), placement, seed, tell) for name, entry in organelles.items()]
        counts = {name: int(entry["count"]) for name, entry in organelles.items() if (entry or {}).get("count") is not None}
        effort = Effort(proposals=proposals, redraws=redraws, smallest=smallest)
        filled = fill(host, kinds, counts, gap_nm=gap_nm, effort=effort, seed=seed, tell=tell)
        _require_sound(filled, partial_fill)
        took = time.perf_counter() - began
        with atomic_path(output) as aside:
            aside.mkdir()
            facts = _write(filled, kinds, aside, labels_suffix, tell, mesh, edge_nm, timeout_s, model)
            given = {"input": input, "cell": cell, "nucleus": nucleus, "inner": inner, "seed": seed, "gap_nm": gap_nm}
            _provenance(aside, facts, given, took)
    if warning:
        console.print(warning, style="bold yellow")
    _say(console, facts, took, output)
    return facts


def _say(console: Any, facts: Mapping[str, Any], took: float, output: str) -> None:
    for name, kind in facts["kinds"].items():
        said = f"{kind['placed']} of {kind['asked']} placed, {kind['volume_share']:.1%} of the volume, {kind['shrunk']} made smaller"
        console.print(f"{name}: {said}", *(f"  refused: {reason}" for reason in kind["refused"]), sep="\n", soft_wrap=True)
    exact = facts["overlaps"]
    said = f"{exact['crossing_facets']} crossing facets among {exact['facets']}, compared exactly"
    console.print(f"{said}; {took:.0f} s. Written to {output}.", soft_wrap=True)


def _require_sound(filled: Filled, partial_fill: bool) -> None:
    if filled.overlaps.count:
        raise CellmlError(f"{filled.overlaps.count} overlaps were found in the end, which should not happen: {filled.overlaps}.")
    if filled.refused and not partial_fill:
        kinds = {kind: sum(k == kind for k, _ in filled.refused) for kind, _ in filled.refused}
        said = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        raise CellmlError(
            f"{filled.host.name!r} is full: {said} found no place ({filled.refused[0][1]}). Ask for fewer"
            " or smaller ones, lower gap_nm, raise proposals, or take the cell as it is with partial_fill=true."
        )


def _write(
    filled: Filled,
    kinds: Sequence[Distribution],
    folder: Path,
    suffix: str,
    tell: Any,
    mesh: bool,
    edge_nm: float | None,
    timeout_s: float,
    model: str | None,
) -> dict[str, Any]:
    from cellml.shapes.organelles.outputs import summary, write_filled

    tell("writing")
    facts = {**summary(filled), "files": write_filled(filled, kinds, folder, suffix)}
    if mesh:
        from cellml.shapes.organelles.tetrahedra import write_tetrahedra

        facts |= write_tetrahedra(filled, folder, edge_nm=edge_nm, timeout_s=timeout_s, model=model, tell=tell)
    return facts


def _require_free(output: str, overwrite: bool) -> None:
    target = Path(output)
    if target.exists() and not target.is_dir():
        raise FileError(f"{target} is a file; output is the folder of the filled cell.")
    present = {path.name for path in target.iterdir()} if target.exists() else set()
    if present and not (overwrite and _MARK in present):
        hint = "replace an older cell with overwrite=true" if _MARK in present else "it holds no filled cell, so it is not replaced"
        raise FileError(f"{target} is not empty ({len(present)} files); choose another folder, or {hint}.")


def _provenance(folder: Path, facts: dict[str, Any], given: dict[str, Any], seconds: float) -> None:
    """provenance.json: what was given, what it was learned from, what came out, when and by which version."""
    from datetime import UTC, datetime

    from cellml import __version__
    from cellml.io import write_json

    made = {"program": f"cellml {__version__}", "date": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": round(seconds, 1)}
    write_json(folder / _MARK, {**made, "given": given, **facts})
