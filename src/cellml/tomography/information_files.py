"""An information map written with all that belongs to it, and carried into the objects of a segmentation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.tomography.inferred_objects import InferredObject, inferred_objects, write_inferred_objects
from cellml.tomography.inferred_spectrum import inferred_spectrum
from cellml.tomography.information import local_share
from cellml.tomography.information_record import MapRecord, ObjectsRecord, read_record, record_path, write_record
from cellml.types import Labels, Volume

log = logging.getLogger(__name__)


def write_map(
    volume: Volume,
    name: str,
    weights: NDArray[Any],
    output: str,
    *,
    tilts: NDArray[np.float64],
    weighting: str,
    window_nm: float | None = None,
    deviation: NDArray[np.float32] | None = None,
    members: int = 1,
) -> MapRecord:
    """Write the map of a volume that stands in the file `name`, an ensemble's deviation as `<output stem>_deviation`, and the record.

    weights: 0 to 1, of the measurements at coefficients in rfftn's layout; weighting: where they are from, in words. Returns the record.
    """
    from cellml.infer.outputs import beside
    from cellml.io import write_volume

    spread = "" if deviation is None else beside(output, "_deviation")
    if deviation is not None:
        write_volume(Volume(deviation, volume.spacing, volume.origin, name="deviation"), spread)
    write_volume(local_share(volume, weights, window_nm=window_nm), output)
    spectrum = inferred_spectrum(volume, weights)
    window = [2 * s for s in volume.spacing] if window_nm is None else [float(window_nm)] * 3
    record = MapRecord(
        map=output,
        volume=name,
        deviation=spread,
        members=members,
        tilts=np.asarray(tilts, np.float64).tolist(),
        weighting=weighting,
        window_nm=window,
        inferred_share=spectrum.whole,
        unmeasured_share=spectrum.whole_unmeasured,
        spectrum=spectrum,
    )
    write_record(record)
    log.info(
        "%s: %.1f %% of the energy was inferred; %.1f %% lies where nothing was measured",
        output, 100 * record.inferred_share, 100 * record.unmeasured_share,
    )  # fmt: skip
    return record


def write_objects(
    labels: Labels, labels_name: str, map_name: str, table: str | Path, *, spacing_nm: Sequence[float] | None = None, limit: float = 0.5
) -> list[InferredObject]:
    """Write the table of each object's inferred share, and its record.

    labels, labels_name: the objects and their file; map_name: the map, whose record says whether there is an ensemble's deviation. Returns
    the objects. Raises CellmlError where shapes differ.
    """
    from cellml.io import read_volume

    spread = deviation_of(map_name)
    share = read_volume(map_name, spacing_nm=spacing_nm)
    deviation = None if not spread else read_volume(spread, spacing_nm=spacing_nm)
    objects = inferred_objects(labels, share, deviation=deviation, limit=limit)
    write_inferred_objects(objects, table)
    write_record(ObjectsRecord(labels_name, map_name, str(table), limit))
    marked = [str(one.label) for one in objects if one.mostly_inferred]
    which = f": {', '.join(marked[:12])}{' …' if len(marked) > 12 else ''}" if marked else ""
    said = "%s: %d of %d objects rest mostly on inferred structure (a share above %g, inside or at their boundary)%s"
    log.info(said, table, len(marked), len(objects), limit, which)
    return objects


def deviation_of(map_name: str) -> str:
    """The file of an ensemble's deviation, as the map's record names it; empty without a record or an ensemble."""
    if not record_path(map_name).is_file():
        return ""
    record = read_record(record_path(map_name))
    return record.deviation if isinstance(record, MapRecord) and Path(record.deviation).exists() else ""
