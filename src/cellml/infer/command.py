"""The verb `infer`: a checkpoint or several and a volume in; labels, probabilities, uncertainties and drawn geometries out."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def infer_file(
    checkpoint: str | Sequence[str],
    input: str | Sequence[str],
    output: str,
    probabilities: bool = False,
    uncertainty: bool = False,
    tta: int = 1,
    dropout_passes: int = 0,
    temperature: float | str | None = None,
    samples: int = 0,
    correlation_nm: float | None = None,
    seed: int = 0,
    spacing_nm: Sequence[float] | None = None,
    axes: str | None = None,
    tile: Sequence[int] | None = None,
    halo: Sequence[int] | None = None,
    precision: str | None = None,
    device: str = "auto",
    trust: Sequence[str] = (),
    threads: int | None = None,
    decode: Mapping[str, Any] | None = None,
    wedge: Sequence[float] | None = None,
    consistency: bool = True,
    thickness: int | None = None,
    tilts: str | None = None,
    angles: Any = None,
    information: bool | str = True,
    inferred_limit: float = 0.5,
    components: str = "all",
) -> dict[str, Any]:
    """Predict a volume and write instances (affinity and boundary models), classes, or images with named channels.

    checkpoint: one, or a list whose mean is taken; input: a volume, `FILE.npz:NAME`, `FILE.h5:/dataset` or a known data set's name, or a
    list of them that are channels of one image, such as the halves of a tomogram; output: where the labels or meshes (.vtu, .ply) go, the
    suffix chooses the format; probabilities: also write `<output stem>_probabilities`; uncertainty: also `_variance`, `_entropy` and
    `_mutual_information`; tta: flips and rotations to average over; dropout_passes: thinned networks to average over; temperature: a
    number, or the JSON file of `cellml calibrate`, for what is written and drawn; samples: label volumes drawn from the probabilities,
    `_sample_000` …, whose errors are shared over correlation_nm (estimated where None); spacing_nm: (z, y, x) where the file does not say;
    tile, halo: voxels (z, y, x) instead of the checkpoint's; device: auto, cpu or cuda; trust: module prefixes that checkpoints may build
    classes from; decode: another decoder than the checkpoint's, as `_target_` and arguments; wedge: tilts of a reconstruction that is to be
    repaired, [first, last, step] in degrees; consistency: whether what was measured of it returns; tilts: the series it was reconstructed
    from, whose projections then return instead of the reconstruction's Fourier coefficients; thickness: voxels along z of a volume repaired
    from a tilt series as input; angles: of the series, numbers or an angle file; information: a repair also writes `<output
    stem>_inferred`, the share of energy around each voxel that was inferred, or that to the FILE given; labels of a repaired volume that
    has such a map beside it, or of which it is given, come with `<output stem>_inferred.csv`, the inferred share of each object, those
    above inferred_limit marked (`cellml.tomography.inferred_objects`); False for neither; components: of predicted tetrahedra, "all" or the
    "largest" part that hangs together through facets, over all compartments. A time axis is kept, frame by frame. Returns seconds and
    voxels of each part. Raises CellmlError where input and checkpoint disagree.
    """
    from cellml.checkpoint import require_match
    from cellml.data.planes import PlanesAsChannels
    from cellml.infer.device import choose_device, set_threads
    from cellml.infer.frame import Asked
    from cellml.infer.image import predict_image, require_image_options
    from cellml.infer.information import carry, map_source, require_no_map
    from cellml.infer.members import load_members, make_committee
    from cellml.infer.opened import input_files, open_input
    from cellml.infer.outputs import require_target
    from cellml.infer.recorded import given_series
    from cellml.infer.repair_files import repair_files
    from cellml.infer.surfaces import MESH_SUFFIXES, predict_mesh_file, require_no_mesh_options
    from cellml.io.overlap import require_apart
    from cellml.tomography.inferred_objects import require_limit
    from cellml.uncertainty.temperature import read_calibration

    checkpoints = [checkpoint] if isinstance(checkpoint, str) else list(checkpoint)
    files, name = input_files(input), input if isinstance(input, str) else " + ".join(input)
    require_apart(output, *files, *checkpoints, *([] if tilts is None else [tilts]))
    if Path(output).suffix.lower() not in MESH_SUFFIXES:
        require_target(output)
    _require_numbers(precision, samples, correlation_nm)
    require_limit(inferred_limit)
    asked = Asked(samples, correlation_nm, read_calibration(temperature), seed)
    set_threads(threads)
    members = load_members(checkpoints, trust)
    if members.task.target.kind == "hidden":
        raise CellmlError(
            f"{checkpoints[0]} was pretrained to guess hidden voxels and predicts nothing of use; train with it first: "
            f"training.initialise_from={checkpoints[0]}."
        )
    if members.task.target.kind == "mesh":
        _require_labels(str(checkpoints[0]), len(checkpoints) * tta > 1 or dropout_passes + samples > 0 or probabilities or uncertainty)
        require_no_map(information, str(checkpoints[0]))
        made_by = {"checkpoint": str(checkpoints[0]), "components": components}
        return predict_mesh_file(members, choose_device(device), files, name, output, spacing_nm, axes, **made_by)
    require_target(output)
    several = len(checkpoints) * tta * max(1, dropout_passes) > 1
    images = members.task.target.kind == "image"
    if members.task.target.kind not in ("instance", "semantic", "image"):
        raise CellmlError(
            f"{checkpoints[0]} was trained for {members.task.target.kind!r} targets and predicts neither labels nor images; train from it "
            f"with training.initialise_from={checkpoints[0]}."
        )
    require_no_mesh_options(str(checkpoints[0]), output, components, "images" if images else "labels")
    if images:
        require_image_options(str(checkpoints[0]), probabilities=probabilities, decode=decode)
        _require_labels(str(checkpoints[0]), several or uncertainty or samples > 0 or temperature is not None)
    committee: Any = None if images else make_committee(members, tta=tta, dropout_passes=dropout_passes, seed=seed, entropies=uncertainty)
    place = choose_device(device)
    task = members.task.to(place)
    window = fitted_window(task.window, place, tile=tile, halo=halo, precision=precision)
    _choose_decoder(task, decode, str(checkpoints[0]))
    known: dict[str, Any] = {"angles": angles, "spacing_nm": spacing_nm, "wedge": wedge}
    if "wedge" in members.contract:
        how: dict[str, Any] = {"thickness": thickness, "consistency": consistency, "information": information, "axes": axes}
        return repair_files(task, window, files, name, output, members.contract, tilts=tilts, device=place, **known, **how)
    given_series(files, tilts, members.contract, name, **known)  # which refuses one here
    with open_input(files, spacing_nm, axes) as opened:
        image: Any = PlanesAsChannels(opened) if members.contract.get("planes_as_channels") else opened
        require_match(members.contract, spacing_nm=image.spacing, channels=len(image.channels) or 1, name=name)
        if images:
            require_no_map(information, str(checkpoints[0]))
            return predict_image(task, window, image, name, output, members.contract)
        wanted = {"probabilities": probabilities, "uncertainty": uncertainty}
        source = map_source(information, files, image)
        done = _predict(members, committee.to(place), window, image, name, output, asked, wanted)
    return done if source is None else {**done, **carry(output, source, inferred_limit)}


def _predict(
    members: Any, committee: Any, window: Any, image: Any, name: str, output: str, asked: Any, wanted: Mapping[str, bool]
) -> dict[str, Any]:
    """Predict each frame of an opened image."""
    from cellml.data.normalisation import Normalisation
    from cellml.infer.context import warn_of_small_tiles
    from cellml.infer.frame import predict_frame
    from cellml.infer.outputs import Frame, open_outputs

    z, y, x = image.shape[-3:]
    timed, task = "T" in image.axes, members.task
    grid = Frame((z, y, x), image.spacing, image.origin, image.frames if timed else None)
    names = dict(enumerate(members.record.get("labels") or []))
    totals: dict[str, float] = {}
    begin = time.perf_counter()
    warn_of_small_tiles(window, committee, grid.shape)
    with ExitStack() as stack:
        outputs = open_outputs(
            stack, output, grid, kind=task.target.kind, names=names, channels=task.target.channels, samples=asked.samples, **wanted
        )
        for number in range(image.frames):
            frame = outputs.frame = number if timed else None
            numbers = Normalisation.measure(image, method=members.contract["normalisation"], frame=frame, name=name)

            def read(region: Any, frame: int | None = frame, numbers: Any = numbers) -> NDArray[np.float32]:
                return numbers.apply(image.read(region) if frame is None else image.read(region, frame=frame))

            parts = predict_frame(task, committee, window, read, grid.shape, grid.spacing, outputs, asked, Path(output).parent)
            totals = {key: value + (totals.get(key, 0.0) if key == "network" else 0.0) for key, value in parts.items()}
    seconds, voxels = time.perf_counter() - begin, int(np.prod(grid.shape)) * image.frames
    log.info("%s: %d voxels in %.1f s (%.2f Mvoxel/s)", output, voxels, seconds, voxels / seconds / 1e6)
    if asked.samples:
        log.info("Drew %d samples whose errors are shared over %.0f nm", asked.samples, totals["correlation_nm"])
    return {"output": output, "voxels": voxels, **totals, "total": seconds, "members": committee.members}


def fitted_window(window: Any, device: str, *, tile: Sequence[int] | None, halo: Sequence[int] | None, precision: str | None) -> Any:
    """The checkpoint's window with the given sizes, in the given number format or the one that the hardware is fast at."""
    from cellml.infer.device import choose_precision

    window = replace(window, precision=precision or choose_precision(device))
    for name, value in (("tile", tile), ("halo", halo)):
        if value is not None:
            if len(value) != 3 or min(value) < (1 if name == "tile" else 0):
                raise CellmlError(f"{name}={list(value)} must be three numbers of voxels (z, y, x), such as [64,64,64].")
            window = replace(window, **{name: tuple(value)})
    return window


def _choose_decoder(task: Any, decode: Mapping[str, Any] | None, name: str) -> None:
    from hydra.utils import instantiate

    if decode is None:
        return
    if task.target.kind != "instance":
        raise CellmlError(f"decode makes objects of affinities, but {name} predicts classes; leave it out.")
    task.decoder = instantiate(dict(decode), _convert_="all")


def _require_numbers(precision: str | None, samples: int, correlation_nm: float | None) -> None:
    if precision not in (None, "float32", "bfloat16"):
        raise CellmlError(f"precision={precision} is unknown; use float32 or bfloat16, or leave it out for what the hardware is fast at.")
    if not 0 <= samples <= 1000:
        raise CellmlError(f"samples={samples} must be a number of label volumes from 0 to 1000.")
    if correlation_nm is not None and not 0 < correlation_nm < 1e6:
        raise CellmlError(f"correlation_nm={correlation_nm} must be a length above 0 nm, such as 50.")


def _require_labels(name: str, asked: bool) -> None:
    if asked:
        raise CellmlError(
            f"{name} predicts images or meshes; tta, dropout_passes, uncertainty, temperature, samples and several checkpoints are for "
            "labels and their probabilities. Leave them out, and probabilities too."
        )
