"""The verb `cellml generate`: a trained shape model in, new certified shapes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from cellml.shapes.generation.likelihood import Likelihood
    from cellml.shapes.generation.made import Made

_MOST = 100_000
_EXTREME = 3.0  # deviations
_SHOWN = 24  # shapes in the gallery
_OTHER_SEED = 1_000_003  # between the seeds of draws that replace refused ones
_TIMEOUT_S = 300.0  # of wall-clock time for one mesh, which other work on the machine may slow down


def generate_file(
    checkpoint: str,
    output: str,
    count: int = 20,
    seed: int = 0,
    condition: str = "",
    rarity: float | None = None,
    redraws: int = 3,
    average: bool = True,
    modes: int = 3,
    formats: Sequence[str] = ("vtu",),
    voxels: int = 4000,
    edge_nm: float | None = None,
    labels_nm: float | None = None,
    labels_suffix: str = ".zarr",
    picture: bool = True,
    trust: Sequence[str] = (),
    overwrite: bool = False,
) -> dict[str, Any]:
    """Draw shapes, pass each through the certified mesher, and write them as a folder.

    checkpoint: of a shape model; count, seed, condition: as in `ShapeModel.sample`; rarity: shapes as rare as this instead, 0.001 one in a
    thousand; redraws: how often a draw that is refused is replaced by another one, which shapes.csv tells; average, modes: for statistical
    models, also the average shape and the extremes, ±3 deviations, of so many modes, with their confidence bands; formats: suffixes of
    meshes (vtu, msh, xdmf …: tetrahedra) and surfaces (ply, off …: their boundary); voxels, edge_nm: as in `certified_shape`; labels_nm:
    voxel edge of a volume with a label for each shape, as `labels_suffix` (.zarr is OME-Zarr), none if None. The folder gets 0000.vtu, …,
    a certificate each, shapes.csv, pictures and provenance.json. Returns what provenance.json says.
    Raises CellmlError, and writes nothing, for bad arguments and where no shape passed.
    """
    from rich.console import Console

    from cellml.meshing.progress import progress_line
    from cellml.shapes.generation.likelihood import likelihood_of
    from cellml.shapes.generation.made import make
    from cellml.shapes.generation.opened import open_model, require_count, require_free
    from cellml.shapes.generation.outputs import require_formats

    target = require_free(output, overwrite)
    require_count(count, _MOST, "count")
    require_count(modes, 20, "modes", fewest=0)
    require_count(redraws, 100, "redraws", fewest=0)
    suffixes = require_formats(formats)
    given = {"count": count, "seed": seed, "condition": condition, "rarity": rarity, "redraws": redraws, "voxels": voxels}
    given["edge_nm"] = edge_nm
    with progress_line(f"generating with {Path(checkpoint).name}") as tell:
        tell("opening")
        model = open_model(checkpoint, trust)
        likelihood = likelihood_of(model, seed, condition)
        certify = partial(make, model, voxels=voxels, edge_nm=edge_nm, timeout_s=_TIMEOUT_S, tell=tell)
        drawn, refused = _drawn(model, certify, likelihood, count, seed, condition, rarity, redraws)
        if all(one.result is None for one in drawn):
            raise CellmlError(f"None of {count} shapes could be meshed, so nothing was written. The first: {drawn[0].reason}")
        extra = _named(model, modes) if average and hasattr(model, "likeliest") else {}
        named = certify(np.stack(list(extra.values())), list(extra), likelihood) if extra else []
        tell("writing")
        found = [*drawn, *named, *refused]
        facts = _write(target, found, count, suffixes, (labels_nm, labels_suffix), picture, model, likelihood, checkpoint, given, modes)
    _say(Console(), drawn, refused, likelihood, output)
    return facts


def _drawn(
    model: Any,
    certify: Callable[..., list[Made]],
    likelihood: Likelihood | None,
    count: int,
    seed: int,
    condition: str,
    rarity: float | None,
    redraws: int,
) -> tuple[list[Made], list[Made]]:
    """`count` shapes, and the draws that were refused and replaced: by the first draws of other seeds, in order."""
    from cellml.shapes.generation.likelihood import likelihood_of

    names = [f"{n:04d}" for n in range(count)]
    found, refused = certify(_codes(model, likelihood, count, seed, condition, rarity), names, likelihood), []
    for number in range(1, redraws + 1):
        missing = [n for n, one in enumerate(found) if one.result is None]
        if not missing:
            break
        again = seed + number * _OTHER_SEED
        fresh = likelihood if rarity is None else likelihood_of(model, again, condition)
        made = certify(_codes(model, fresh, len(missing), again, condition, rarity), [names[n] for n in missing], likelihood)
        for n, one in zip(missing, made, strict=True):
            refused.append(replace(found[n], name=f"{names[n]}_refused{number}"))
            found[n] = one
    return found, refused


def _codes(model: Any, likelihood: Likelihood | None, count: int, seed: int, condition: str, rarity: float | None) -> Any:
    if rarity is None:
        return model.sample(count, seed, condition)
    if likelihood is None:
        raise CellmlError(f"rarity={rarity} needs a model with a density, and this one has none; leave rarity out.")
    return likelihood.codes_at(rarity, count)


def _named(model: Any, modes: int) -> dict[str, Any]:
    """Codes of the average and of both extremes of the first modes."""
    from cellml.shapes.generation.modes_figure import mode_codes

    known = min(modes, model.net.latent)
    codes = {"average": np.zeros(model.likeliest().shape[1])}
    for mode in range(known):
        low, high = mode_codes(model, mode, (-_EXTREME, _EXTREME))
        codes |= {f"mode{mode + 1}_low": low, f"mode{mode + 1}_high": high}
    return codes


def _write(
    target: Path,
    found: list[Made],
    count: int,
    suffixes: Sequence[str],
    labels: tuple[float | None, str],
    picture: bool,
    model: Any,
    likelihood: Likelihood | None,
    checkpoint: str,
    given: dict[str, Any],
    modes: int,
) -> dict[str, Any]:
    from cellml.io import atomic_path, write_labels
    from cellml.shapes.generation.labels import label_volume
    from cellml.shapes.generation.opened import write_provenance
    from cellml.shapes.generation.outputs import facts_of, write_shape, write_table

    passed = [one for one in found if one.result is not None]
    drawn = [one for one in found[:count] if one.result is not None]
    facts: dict[str, Any] = {
        "asked": count,
        "certified": len(drawn),
        "refused": sum(one.result is None for one in found),
        "rarities": "none" if likelihood is None else "calibrated on held-out groups" if likelihood.calibrated else "of the model itself",
    }
    with atomic_path(target) as aside:
        aside.mkdir()
        files = {one.name: write_shape(one, aside, suffixes) for one in passed}
        write_table(found, aside / "shapes.csv")
        if labels[0] is not None:
            volume = label_volume([one.surface for one in drawn], labels[0])
            write_labels(volume, aside / f"labels{labels[1]}")
            facts["labels"] = {str(number): name for number, name in volume.names.items()}
        if picture:
            _draw(aside, found, drawn, model, modes)
        facts["shapes"] = facts_of(found, files)
        write_provenance(aside, checkpoint, given, facts)
    return facts


def _draw(folder: Path, found: list[Made], drawn: list[Made], model: Any, modes: int) -> None:
    from cellml.shapes.generation.likelihood import rarity_text
    from cellml.shapes.generation.pictures import gallery, save

    shown = drawn[:_SHOWN]
    titles = [f"{one.name}: {rarity_text(one.rarity)}".removesuffix(": ") for one in shown]
    header = f"{len(drawn)} generated shapes" + (f", the first {_SHOWN}" if len(drawn) > _SHOWN else "")
    save(gallery([one.surface for one in shown], titles, header), folder / "shapes.png")
    count = min(modes, len(model.net.mode_bands.replicas[0])) if hasattr(model, "likeliest") else 0
    if count:
        from cellml.shapes.generation.modes_figure import modes_figure, write_modes

        save(modes_figure(model, count, "average and modes of variation (share of variance with its 90 % interval)"), folder / "modes.png")
        write_modes(model, folder / "modes.csv")


def _say(console: Any, drawn: list[Made], replaced: list[Made], likelihood: Likelihood | None, output: str) -> None:
    left = [one for one in drawn if one.result is None]
    took = sum(one.seconds for one in [*drawn, *replaced]) / max(len(drawn), 1)
    console.print(
        f"{len(drawn) - len(left)} of {len(drawn)} shapes are certified meshes, {took:.1f} s of a processor each.", soft_wrap=True
    )
    for one in replaced:
        console.print(f"{one.name.split('_')[0]} was drawn again: {one.reason}", style="yellow", soft_wrap=True)
    for one in left:
        console.print(f"{one.name} was refused: {one.reason}", style="yellow", soft_wrap=True)
    if likelihood is not None and not likelihood.calibrated:
        console.print("Rarities are the model's own: whether they are true of real shapes was not measured.", soft_wrap=True)
    console.print(f"Written to {output}: shapes.csv says what each is.", soft_wrap=True)
