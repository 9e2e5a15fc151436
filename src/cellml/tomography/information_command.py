"""The verb `information`: how much of a repaired volume was inferred rather than measured, around each voxel and in each object."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
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
    inferred_limit: float = 0.5,
    spacing_nm: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Write the local share of energy that was inferred, what of it falls on each object, and records for `cellml report`.

    input: a repaired volume (Z, Y, X), tilt axis along Y, or a list of repairs by several networks, whose mean is judged and goes to
    `<output stem>_mean`, and whose standard deviation to `<output stem>_deviation`; output: share from 0 to 1; wedge: first and last tilt
    and step in degrees; angles: numbers or an angle file instead; snr: of the projections, null where noise is left out of account;
    window_nm: standard deviation of the Gaussian window, two voxels where null; labels: objects of the same voxels, whose means go to the
    CSV `table`; inferred_limit: share above which an object is marked as mostly inferred. Returns the share of the whole volume and
    seconds. Raises CellmlError where shapes differ and for labels without a table.
    """
    from cellml.data.references import resolve
    from cellml.infer.outputs import beside
    from cellml.io import read_labels, read_volume, write_volume
    from cellml.io.overlap import require_apart
    from cellml.io.tilt_kind import require_volume_file
    from cellml.tomography.consistency import wiener_weights
    from cellml.tomography.inferred_objects import require_limit
    from cellml.tomography.information import ensemble_uncertainty
    from cellml.tomography.information_files import write_map, write_objects
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
    require_limit(inferred_limit)
    require_apart(output, *names)
    for name in names:
        require_volume_file(name)
    found = None if labels is None else resolve(labels, "labels")[0]
    objects = None if found is None else read_labels(found, spacing_nm=spacing_nm)
    tilts = tilt_angles(wedge[:2], float(wedge[2]) if angles is None else 1.0, angles)
    volume, judged, deviation = read_volume(names[0], spacing_nm=spacing_nm), names[0], None
    if len(names) > 1:
        ensemble, judged = ensemble_uncertainty(_members(names, spacing_nm)), beside(output, "_mean")
        volume, deviation = Volume(ensemble.mean, volume.spacing, volume.origin, name="mean of repairs"), ensemble.deviation
        write_volume(volume, judged)
    weights = wiener_weights(volume.shape, tilts, np.inf if snr is None else float(snr))
    weighting = "whatever a tilt passes within half a sample of" + ("" if snr is None else f", by its signal-to-noise ratio of {snr:g}")
    record = write_map(
        volume, judged, weights, output,
        tilts=tilts, weighting=weighting, window_nm=window_nm, deviation=deviation, members=len(names),
    )  # fmt: skip
    if objects is not None and found is not None and table is not None:
        write_objects(objects, found, output, table, spacing_nm=spacing_nm, limit=inferred_limit)
    seconds = time.perf_counter() - begin
    log.info("%s: %.1f s", output, seconds)
    return {"output": output, "inferred_share": record.inferred_share, "members": len(names), "seconds": seconds}


def _members(names: Sequence[str], spacing_nm: Sequence[float] | None) -> Iterator[NDArray[Any]]:
    from cellml.io import read_volume

    for name in names:
        yield read_volume(name, spacing_nm=spacing_nm).data
