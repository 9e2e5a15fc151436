"""The verb `information`: how much of a repaired volume was inferred rather than measured, around each voxel and in each object."""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def information_file(
    input: str | Sequence[str],
    output: str,
    wedge: Sequence[float] = (-60.0, 60.0, 2.0),
    angles: Any = None,
    snr: float | None = None,
    window_nm: float | None = None,
    labels: str | None = None,
    table: str | None = None,
    spacing_nm: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Write the local share of energy that was inferred, and what of it falls on each object.

    input: a repaired volume (Z, Y, X), tilt axis along Y, or a list of repairs by several networks, whose mean is judged and whose
    standard deviation goes to `<output stem>_deviation`; output: share from 0 to 1; wedge: first and last tilt and step in degrees;
    angles: numbers or an angle file instead; snr: of the projections, null where noise is left out of account; window_nm: standard
    deviation of the Gaussian window, two voxels where null; labels: objects of the same voxels, whose means go to the CSV `table`.
    Returns the share of the whole volume and seconds. Raises CellmlError where shapes differ and for labels without a table.
    """
    from cellml.data.references import resolve
    from cellml.infer.outputs import beside
    from cellml.io import read_labels, read_volume, write_volume
    from cellml.io.overlap import require_apart
    from cellml.io.tilt_frame import require_volume_file
    from cellml.tomography.information import ensemble_uncertainty, global_inferred_share, inferred_share
    from cellml.tomography.project_command import tilt_angles
    from cellml.types import Volume

    begin = time.perf_counter()
    names = [resolve(name, "image")[0] for name in ([input] if isinstance(input, str) else input)]
    if not names or (labels is None) != (table is None):
        raise CellmlError("information needs an input, and either both of labels= and table= (FILE.csv) or neither.")
    if angles is None and (len(wedge) != 3 or not wedge[0] < wedge[1] or not wedge[2] > 0):
        raise CellmlError(
            f"wedge={list(wedge)} must be the first tilt, the larger last and the positive step between tilts in degrees: wedge=[-60,60,2]."
        )
    require_apart(output, *names)
    for name in names:
        require_volume_file(name)
    tilts = tilt_angles(wedge[:2], float(wedge[2]) if angles is None else 1.0, angles)
    volume, ratio = read_volume(names[0], spacing_nm=spacing_nm), np.inf if snr is None else float(snr)
    deviation: NDArray[np.float32] | None = None
    if len(names) > 1:
        ensemble = ensemble_uncertainty(_members(names, spacing_nm))
        volume, deviation = Volume(ensemble.mean, volume.spacing, volume.origin, name=volume.name), ensemble.deviation
        write_volume(Volume(deviation, volume.spacing, volume.origin), beside(output, "_deviation"))
    share = inferred_share(volume, tilts, snr=ratio, window_nm=window_nm)
    write_volume(share, output)
    if labels is not None and table is not None:
        _write_table(Path(table), read_labels(resolve(labels, "labels")[0], spacing_nm=spacing_nm), share, deviation)
    whole, seconds = global_inferred_share(volume, tilts, snr=ratio), time.perf_counter() - begin
    log.info("%s: %.1f %% of the energy was inferred; %.1f s", output, 100 * whole, seconds)
    return {"output": output, "inferred_share": whole, "members": len(names), "seconds": seconds}


def _members(names: Sequence[str], spacing_nm: Sequence[float] | None) -> Iterator[NDArray[Any]]:
    from cellml.io import read_volume

    for name in names:
        yield read_volume(name, spacing_nm=spacing_nm).data


def _write_table(path: Path, labels: Any, share: Any, deviation: NDArray[np.float32] | None) -> None:
    """label, voxels, inferred_share and, for an ensemble, deviation."""
    from cellml.io import atomic_path
    from cellml.tomography.information import object_information
    from cellml.types import Volume

    shares = object_information(labels, share)
    voxels = dict(zip(*(a.tolist() for a in np.unique(labels.data, return_counts=True)), strict=True))
    columns: dict[str, dict[int, Any]] = {"voxels": voxels, "inferred_share": {n: round(s, 5) for n, s in shares.items()}}
    if deviation is not None:
        columns["deviation"] = object_information(labels, Volume(deviation, share.spacing))
    with atomic_path(path) as temporary, Path(temporary).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["label", *columns])
        writer.writerows([number, *(column[number] for column in columns.values())] for number in sorted(shares))
