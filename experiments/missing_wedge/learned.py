"""Repairs by networks: every checkpoint of this folder, without and with data consistency."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from conditions import Condition
from numpy.typing import NDArray

from cellml.checkpoint import load
from cellml.errors import CellmlError
from cellml.infer.repair import known_tilts, returned
from cellml.infer.repair_series import filled_and_cleaned, reconstructions
from cellml.tomography.tilt_return import levelled, tilts_returned
from cellml.types import TiltSeries, Volume

HERE = Path(__file__).parent
Floats = NDArray[np.float32]


@cache
def _model(path: Path) -> Any:
    return load(path)


def checkpoints() -> list[Path]:
    """Checkpoints of networks that repair any specimen, sorted by name; those that know one tomogram are for `self_supervised`."""
    return sorted(path for path in HERE.glob("*.ckpt") if "reconstruction" in _model(path).contract.get("wedge", {}))


def repairs(path: Path, series: TiltSeries, thickness: int, condition: Condition) -> Iterator[tuple[str, Floats]]:
    """Name and volume (Z, Y, X): the network alone, with measured coefficients of its input returned, as `cellml infer` writes of a
    reconstruction, and with the projections returned by least squares, as it writes of a tilt series. Networks that fill sinograms are
    shown no reconstruction whose coefficients could return. Nothing where the checkpoint did not learn such tilts.
    """
    model = _model(path)
    step = float(condition.step)
    try:
        tilts = known_tilts(model.contract["wedge"], [float(series.tilts.min()), float(series.tilts.max()), step], "the series")
    except CellmlError as refusal:
        print(f"{path.stem}: {refusal}", flush=True)
        return
    if model.contract["axes"] == "TILTS":
        answer = filled_and_cleaned(model.task, levelled(series), thickness)
        yield path.stem, answer
        yield f"{path.stem}+tilts", with_tilts(answer, series)
        return
    image = reconstructions(series, thickness, model.contract)
    answer = np.asarray(model.task.predict_volume(image)[0], np.float32)
    yield path.stem, answer
    yield f"{path.stem}+return", returned(answer, image[0], tilts, strength=1.0)
    yield f"{path.stem}+tilts", with_tilts(answer, series)


def with_tilts(answer: Floats, series: TiltSeries) -> Floats:
    """The answer (Z, Y, X) on the grey scale of the projections, made consistent with them."""
    return np.asarray(tilts_returned(Volume(answer, (series.pixel,) * 3), series).data, np.float32)
