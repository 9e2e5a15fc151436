"""The verb `blockwise`: a volume larger than memory to labels, scores and meshes."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cellml.blocks.engine import Run, engine_of
from cellml.blocks.labelling import Labelled, Labelling
from cellml.blocks.manifest import Manifest
from cellml.blocks.memory import watched_memory
from cellml.blocks.request import Request, as_tuple, fingerprint
from cellml.blocks.stages import Limits, all_done, watched
from cellml.errors import CellmlError, FileError
from cellml.io.alone import alone_in

log = logging.getLogger(__name__)


def blockwise(
    checkpoint: str | Sequence[str],
    input: str | Sequence[str],
    output: str,
    *,
    cluster: Mapping[str, Any] | None = None,
    workers: int | None = None,
    block: Sequence[int] = (256, 256, 256),
    probabilities: bool = False,
    decode: Mapping[str, Any] | None = None,
    truth: str | None = None,
    mask: str | None = None,
    scores: str | None = None,
    meshes: str | None = None,
    mesh: Mapping[str, Any] | None = None,
    spacing_nm: Sequence[float] | None = None,
    axes: str | None = None,
    tta: int = 1,
    tile: Sequence[int] | None = None,
    halo: Sequence[int] | None = None,
    precision: str | None = None,
    device: str = "auto",
    trust: Sequence[str] = (),
    timeout_s: float = 3600.0,
    tries: int = 3,
    work: str | None = None,
    keep: bool = False,
) -> dict[str, Any]:
    """Predict and decode a volume block by block; score it against a truth, and mesh its objects, where asked for.

    checkpoint, input, spacing_nm, axes, tta, tile, halo, precision, device, trust, decode: as in `cellml infer`, whose labels these are,
    voxel by voxel; input may stand at an https:// or s3:// address. output: a `.zarr`, which appears when it is full; probabilities: also
    `<output stem>_probabilities.zarr`. cluster: an engine of `cellml.blocks`, None for plain processes; workers: how many, the engine's own
    number if None; block: voxels (z, y, x) that a worker decodes at a time, best multiples of 128. truth, mask: as in `cellml score`, whose
    result goes to `scores` (`<output stem>_scores.json` if None); meshes: a folder for a mesh of each object and a table of them; mesh:
    `least` voxels of an object, `labels` instead of all, `largest_box` voxels around one, and options of `cellml mesh`. timeout_s:
    processor time of one try of one part (twenty times as long by the clock); tries: of each part. work: the folder that remembers what is
    done, `<output>.blocks` if None; keep: tiles and blocks stay there when the volume is full. After an end of any kind the same command
    goes on where it stood.

    Returns counts, seconds of each stage, scores, and the peak memory of all processes of this machine. Raises CellmlError for what does
    not go together, before anything is computed, and for parts that failed `tries` times.
    """
    target = _target(output)
    request = _request(checkpoint, input, spacing_nm, axes, tta, tile, halo, precision, device, trust, decode)
    _require_apart(target, request, truth, mask)
    engine, limits = engine_of(cluster, workers), Limits(timeout_s, tries)
    place = Path(work).expanduser() if work is not None else target.with_name(f"{target.name}.blocks")
    beside = _beside(target, "_probabilities.zarr") if probabilities else None
    labelling = Labelling(request, target, beside, place, _block(block), keep)
    begun = time.perf_counter()
    with _begun(place), alone_in(place), watched_memory() as peak, engine.opened() as run:
        found = labelling.done(run, limits)
        told: dict[str, Any] = {"output": str(target), "voxels": _voxels(found), **found.seconds}
        if found.frame.kind == "instance":
            told["objects"] = len(found.stitched.read(0)["voxels"])
        if truth is not None:
            told["scores"] = _scored(run, place, target, found, truth, mask, scores, limits)
        if meshes is not None:
            told |= _meshed(run, place, target, found, Path(meshes).expanduser(), dict(mesh or {}), limits)
    told |= {"total": time.perf_counter() - begun, "workers": engine.workers, "peak_memory_gb": peak.bytes / 1e9}
    log.info(
        "%s: %d voxels in %.1f s with %d workers, at most %.2f GB of memory here",
        target, told["voxels"], told["total"], engine.workers, told["peak_memory_gb"],
    )  # fmt: skip
    return told


@contextmanager
def _begun(place: Path) -> Iterator[None]:
    """Remove the folder of a run that was refused before anything was planned, unless it was there before."""
    before = place.exists()
    try:
        yield
    except CellmlError:
        if not before and not any(place.glob("plan-*/0*")):
            shutil.rmtree(place, ignore_errors=True)
        raise


def _scored(
    run: Run, place: Path, target: Path, found: Labelled, truth: str, mask: str | None, scores: str | None, limits: Limits
) -> dict[str, Any]:
    from cellml.blocks.scoring import Scoring
    from cellml.data.references import resolve
    from cellml.io import write_json
    from cellml.metrics.command import print_scores

    goal = Path(scores).expanduser() if scores is not None else _beside(target, "_scores.json")
    known, masked = resolve(truth, "labels")[0], None if mask is None else resolve(mask, "labels")[0]
    content = [fingerprint(one) for one in (known, masked) if one is not None]
    manifest = Manifest.of(place, "score", {"labels": found.key, "truth": known, "mask": masked, "content": content})
    scoring = Scoring(str(target), known, masked, found.grid, manifest)
    all_done(run, "scoring", scoring.prepare, manifest.waiting(range(len(found.grid))), limits)
    result = scoring.result()
    write_json(goal, result)
    print_scores(result, goal)
    return result


def _meshed(run: Run, place: Path, target: Path, found: Labelled, folder: Path, options: dict[str, Any], limits: Limits) -> dict[str, Any]:
    from cellml.blocks.meshes import Meshing, chosen, table_of
    from cellml.io import write_text

    if found.frame.kind != "instance":
        raise CellmlError(f"{target} holds classes, and meshes are of objects; mesh a class with cellml mesh.")
    least, largest = int(options.pop("least", 1000)), int(options.pop("largest_box", 200_000_000))
    boxes = chosen(found.stitched.read(0), options.pop("labels", None), least)
    manifest = Manifest.of(place, "mesh", {"labels": found.key, "folder": str(folder.resolve()), "options": options})
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [box for box in boxes if not (manifest.done(box.label) and (folder / f"{box.label}.vtu").is_file())]
    outcomes = {
        waiting[one.number].label: one
        for one in watched(run, "meshing", Meshing(str(target), folder, options, largest, manifest).prepare, waiting, limits)
    }
    write_text(folder / "meshes.csv", table_of(boxes, outcomes, manifest))
    done = sum(manifest.done(box.label) for box in boxes)
    log.info("%d of %d objects are meshed in %s; meshes.csv says why not the others", done, len(boxes), folder)
    return {"meshed": done, "not_meshed": len(boxes) - done}


def _request(
    checkpoint: str | Sequence[str], input: str | Sequence[str], spacing_nm: Any, axes: str | None, tta: int, tile: Any, halo: Any,
    precision: str | None, device: str, trust: Sequence[str], decode: Mapping[str, Any] | None,
) -> Request:  # fmt: skip
    from cellml.data.references import resolve

    checkpoints = (checkpoint,) if isinstance(checkpoint, str) else tuple(checkpoint)
    for path in checkpoints:
        if not Path(path).is_file():
            raise FileError(f"There is no checkpoint {path}.")
    if not checkpoints or tta < 1:
        raise CellmlError(f"checkpoint={list(checkpoints)} must name a file, and tta={tta} be at least 1 (the given orientation).")
    files = tuple(resolve(one, "image")[0] for one in ([input] if isinstance(input, str) else input))
    return Request(
        tuple(str(Path(path).expanduser().resolve()) for path in checkpoints), tuple(_absolute(one) for one in files),
        as_tuple(spacing_nm), axes, tta, as_tuple(tile), as_tuple(halo), precision, device, tuple(trust), decode,
    )  # fmt: skip


def _absolute(spec: str) -> str:
    """A file named from the root, for workers may stand in another folder; addresses stay."""
    from cellml.io.location import locate
    from cellml.io.remote import is_remote

    if is_remote(spec):
        return spec
    found = locate(spec)
    return f"{found.path.resolve()}{'' if found.member is None else f':{found.member}'}"


def _require_apart(target: Path, request: Request, truth: str | None, mask: str | None) -> None:
    from cellml.io.overlap import require_apart
    from cellml.io.remote import is_remote

    others = [one for one in (*request.inputs, truth, mask) if one is not None and not is_remote(one)]
    require_apart(target, *others, *request.checkpoints)


def _target(output: str) -> Path:
    path = Path(output).expanduser()
    if path.suffix.lower() != ".zarr":
        raise FileError(f"output={output}: many processes fill the result, for which it must be a store: end its name with .zarr.")
    from cellml.io.formats import check_folder
    from cellml.io.location import Location
    from cellml.io.ome_zarr import is_store

    check_folder(Location(path), ours=is_store)
    return path.resolve()


def _block(block: Sequence[int]) -> tuple[int, int, int]:
    if len(block) != 3 or min(block) < 1:
        raise CellmlError(f"block={list(block)} must be three numbers of voxels (z, y, x), such as [256,256,256].")
    return (int(block[0]), int(block[1]), int(block[2]))


def _beside(target: Path, ending: str) -> Path:
    """`out.zarr` → `out_scores.json`."""
    return target.with_name(target.name.partition(".")[0] + ending)


def _voxels(found: Labelled) -> int:
    z, y, x = found.frame.shape
    return z * y * x
