"""The verb `cellml morph`: from one shape to another, every frame a certified mesh."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from cellml.shapes.generation.likelihood import Likelihood
    from cellml.shapes.generation.made import Made
    from cellml.shapes.paths.ends import End
    from cellml.shapes.paths.path import Path

_MOST = 500


def morph_file(
    checkpoint: str,
    output: str,
    start: str = "likely",
    end: str = "unlikely",
    frames: int = 9,
    kind: str = "linear",
    rarity: float | None = None,
    unit: str | None = None,
    formats: Sequence[str] = ("vtu",),
    voxels: int = 4000,
    edge_nm: float | None = None,
    picture: bool = True,
    movie: bool = True,
    trust: Sequence[str] = (),
    overwrite: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Find a path through a model's shapes and write each frame as a certified mesh.

    start, end: a file of a closed surface (lengths in `unit`), "likely", "unlikely" (of `rarity`, 0.001 where None) or "random";
    frames: with both ends; kind: linear or geodesic, as in `find_path`; formats, voxels, edge_nm, trust: as in `cellml generate`. The
    folder gets 000.vtu, …, a certificate each, frames.csv (log density, rarity, length of the step), filmstrip.png, movie.gif and
    provenance.json.
    Returns what provenance.json says. Raises CellmlError, and writes nothing, for bad ends and where a frame cannot be meshed.
    """
    from rich.console import Console

    from cellml.meshing.progress import progress_line
    from cellml.shapes.generation.likelihood import likelihood_of
    from cellml.shapes.generation.made import make
    from cellml.shapes.generation.opened import open_model, require_count, require_free
    from cellml.shapes.generation.outputs import require_formats
    from cellml.shapes.paths.ends import end_of
    from cellml.shapes.paths.path import KINDS, find_path

    target = require_free(output, overwrite)
    require_count(frames, _MOST, "frames", fewest=2)
    suffixes = require_formats(formats)
    if kind not in KINDS:
        raise CellmlError(f"kind={kind} is not known; use {' or '.join(KINDS)}.")
    with progress_line(f"from {File(start).name} to {File(end).name}") as tell:
        tell("opening")
        model = open_model(checkpoint, trust)
        likelihood = likelihood_of(model, seed)
        first, last = (end_of(given, model, likelihood, seed + n, rarity, unit) for n, given in enumerate((start, end)))
        tell("finding the path")
        path = find_path(model, first.code, last.code, frames, kind)
        names = [f"{n:03d}" for n in range(frames)]
        made = make(model, path.codes, names, likelihood, voxels=voxels, edge_nm=edge_nm, tell=tell)
        _require_whole(made)
        tell("writing")
        given = {
            "start": start,
            "end": end,
            "frames": frames,
            "kind": kind,
            "rarity": rarity,
            "voxels": voxels,
            "edge_nm": edge_nm,
            "seed": seed,
        }
        facts = _write(target, path, (first, last), made, likelihood, suffixes, picture, movie, checkpoint, given)
    _say(Console(), facts, output)
    return facts


def _require_whole(made: Sequence[Made]) -> None:
    failed = [one for one in made if one.result is None]
    if failed:
        raise CellmlError(
            f"{len(failed)} of {len(made)} frames have no certified mesh, so nothing was written. {failed[0].name}: {failed[0].reason} "
            "More voxels often help (voxels=12000), and ends that are less rare."
        )


def _write(
    target: File,
    path: Path,
    ends: tuple[End, End],
    made: Sequence[Made],
    likelihood: Likelihood | None,
    suffixes: Sequence[str],
    picture: bool,
    movie: bool,
    checkpoint: str,
    given: dict[str, Any],
) -> dict[str, Any]:
    from cellml.io import atomic_path
    from cellml.shapes.generation.opened import rounded, write_provenance
    from cellml.shapes.generation.outputs import facts_of, write_shape, write_table
    from cellml.shapes.generation.pictures import save
    from cellml.shapes.paths.filmstrip import draw_movie, filmstrip

    steps = [rounded(step) for step in path.lengths]
    facts: dict[str, Any] = {
        "ends": {name: end.facts for name, end in zip(("start", "end"), ends, strict=True)},
        "length_nm": rounded(path.length),
        "steps_nm": steps,
        "rarities": "none" if likelihood is None else "calibrated on held-out groups" if likelihood.calibrated else "of the model itself",
    }
    with atomic_path(target) as aside:
        aside.mkdir()
        files = {one.name: write_shape(one, aside, suffixes) for one in made}
        write_table(made, aside / "frames.csv", {"step_nm": [None, *steps]})
        if picture:
            header = f"{File(ends[0].given).name} → {File(ends[1].given).name}, {path.kind} path"
            save(filmstrip(made, header), aside / "filmstrip.png")
        if movie:
            draw_movie(made, aside / "movie.gif")
        facts["shapes"] = facts_of(made, files)
        write_provenance(aside, checkpoint, given, facts)
    return facts


def _say(console: Any, facts: dict[str, Any], output: str) -> None:
    shapes = facts["shapes"]
    took = sum(one["seconds"] for one in shapes) / len(shapes)
    length = "" if facts["length_nm"] is None else f", {facts['length_nm']:.3g} nm long"
    console.print(f"{len(shapes)} frames, each a certified mesh ({took:.1f} s of a processor){length}.", soft_wrap=True)
    densities = [one["log_density"] for one in shapes]
    if all(value is not None for value in densities):
        console.print(f"Log density from {densities[0]:.1f} to {densities[-1]:.1f}, least {min(densities):.1f} nats.", soft_wrap=True)
    console.print(f"Written to {output}; simulate a frame: cellml simulate mesh={output}/{shapes[0]['files'][0]} model=diffusion output=…")
