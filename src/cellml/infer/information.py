"""What of a repair was inferred, written beside it; and carried into the objects of a segmentation of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import TiltSeries, Volume

log = logging.getLogger(__name__)


def map_target(information: bool | str, output: str, sources: Sequence[str], *, consistency: bool) -> str | None:
    """Where the map of a repair goes: `<output stem>_inferred` for true, a given file, or None for false.

    Raises CellmlError for a file that would replace the input or the output, and for one that is asked for although nothing measured
    returns (`consistency=false`): then all of the repair was inferred.
    """
    from cellml.infer.outputs import beside, require_target
    from cellml.io.overlap import require_apart

    if information is False:
        return None
    if not consistency:
        if information is True:
            log.info("%s is the network's answer alone, all of it inferred: no information map is written.", output)
            return None
        raise CellmlError(
            "With consistency=false nothing that was measured returns, so that all of the repair was inferred; leave information= out, "
            "or consistency=false."
        )
    target = beside(output, "_inferred") if information is True else information
    require_target(target)
    require_apart(target, *sources, key="information")
    require_apart(target, output, key="information", role="the output")
    return target


def map_source(information: bool | str, files: Sequence[str], image: Any) -> str | None:
    """The map of what is segmented: a given file; for true `<input stem>_inferred` where it exists; else None.

    image: the opened input. Raises CellmlError where the map is not there, or covers other voxels, before anything is predicted.
    """
    from cellml.infer.outputs import beside
    from cellml.io import open_image

    if information is False:
        return None
    name = beside(files[0], "_inferred") if information is True else information
    if information is True and not Path(name).exists():
        return None
    with open_image(name, spacing_nm=image.spacing) as opened:
        shape, axes = tuple(opened.shape[-3:]), opened.axes
    if shape != tuple(image.shape[-3:]) or axes != "ZYX" or "T" in image.axes:
        raise CellmlError(
            f"The information map {name} has shape {shape} with axes {axes}, what is segmented {tuple(image.shape[-3:])} with axes "
            f"{image.axes}; it must be the map of the same volume. Name the right one (information=FILE), or give information=false."
        )
    return name


def require_no_map(information: bool | str, checkpoint: str) -> None:
    """Raise CellmlError where a map is named although a checkpoint neither repairs nor labels."""
    if isinstance(information, str):
        raise CellmlError(
            f"information={information} is for repairs of the missing wedge and for labels of repaired volumes, and {checkpoint} predicts "
            "neither; leave it out."
        )


def carry(output: str, source: str, limit: float) -> dict[str, Any]:
    """Write `<output stem>_inferred.csv`, each label's inferred share by the map `source`; returns its name and how many are marked."""
    from cellml.infer.outputs import beside
    from cellml.io import read_labels
    from cellml.io.location import locate
    from cellml.tomography.information_files import write_objects

    path = locate(beside(output.rstrip("/"), "_inferred")).path
    table = path.with_name(path.name.partition(".")[0] + ".csv")
    labels = read_labels(output)
    objects = write_objects(labels, output, source, table, spacing_nm=labels.spacing, limit=limit)
    return {"table": str(table), "mostly_inferred": sum(one.mostly_inferred for one in objects)}


def write_repair_map(repaired: Volume, output: str, target: str, weights: NDArray[Any], tilts: NDArray[np.float64]) -> dict[str, Any]:
    """Write the map of a repair that stands in the file `output`; returns what is reported of it.

    weights: of what returned to it, 0 to 1, of coefficients in rfftn's layout, broadcastable; tilts: (N,) degrees.
    """
    from cellml.tomography.information_files import write_map

    record = write_map(repaired, output, weights, target, tilts=tilts, weighting="what returned of the tilts, by its signal-to-noise ratio")
    return {"information": target, "inferred_share": record.inferred_share}


def returned_weights(answer: NDArray[np.float32], measured: NDArray[np.float32], tilts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Weight of the reconstruction's coefficients in what `cellml.infer.repair.returned` makes of an answer, both (Z, Y, X).

    In rfftn's layout, (Z, Y, X // 2 + 1), 0 to 1.
    """
    import torch

    from cellml.tasks.measured_return import MeasuredReturn

    with torch.inference_mode():
        inferred, known = (torch.fft.rfftn(torch.from_numpy(np.asarray(v, np.float32))) for v in (answer, measured))
        return np.asarray(MeasuredReturn().gain_and_weight(inferred, known, answer.shape, tilts)[1])


def series_weights(shape: tuple[int, int, int], series: TiltSeries) -> NDArray[np.float32]:
    """Weight of a tilt series' measurements at each coefficient of a volume (Z, Y, X), as `returned_weights`.

    Where projections return by least squares (`cellml.tomography.tilt_consistency`) coefficients have no weights of their own; these are
    the ones that they would have if tilts did not overlap.
    """
    from cellml.tomography.consistency import wiener_weights
    from cellml.tomography.shell_snr import tilt_shell_snr

    return wiener_weights(shape, series.tilts, tilt_shell_snr(series.data))
