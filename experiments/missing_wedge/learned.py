"""Repairs by networks: every checkpoint of this folder, without and with data consistency."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from conditions import Condition
from numpy.typing import NDArray

from cellml.checkpoint import load
from cellml.data.wedge_damage import standardised
from cellml.errors import CellmlError
from cellml.infer.repair import known_tilts, returned
from cellml.tomography.conjugate_gradients import ConjugateGradients
from cellml.tomography.filters import Exact, Hamming, Hann, Ramp, SirtLike
from cellml.tomography.projector import ParallelProjector
from cellml.tomography.reconstruction import reconstruct
from cellml.tomography.sirt import Sirt
from cellml.tomography.tilt_consistency import consistent_with_tilts
from cellml.tomography.total_variation import TotalVariation
from cellml.tomography.wbp import WeightedBackprojection
from cellml.types import TiltSeries, Volume

HERE = Path(__file__).parent
Floats = NDArray[np.float32]
# What a checkpoint's record may name as its input.
_KNOWN = {
    one.__name__: one for one in (WeightedBackprojection, Sirt, ConjugateGradients, TotalVariation, Ramp, Hamming, Hann, Exact, SirtLike)
}


def shown(text: str) -> Any:
    """The method that a checkpoint's record names by its repr: calls of known classes with literal arguments, nothing else."""

    def built(node: ast.expr) -> Any:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KNOWN and not node.args:
            return _KNOWN[node.func.id](**{word.arg: built(word.value) for word in node.keywords if word.arg})
        return ast.literal_eval(node)

    return built(ast.parse(text, mode="eval").body)


@cache
def _model(path: Path) -> Any:
    return load(path)


def checkpoints() -> list[Path]:
    """Checkpoints of networks that repair, sorted by name."""
    return sorted(path for path in HERE.glob("*.ckpt") if "wedge" in _model(path).contract)


def repairs(path: Path, series: TiltSeries, thickness: int, condition: Condition) -> Iterator[tuple[str, Floats]]:
    """Name and volume (Z, Y, X): the network alone, with measured coefficients of its input returned (what `cellml infer` writes), and
    with the projections returned by least squares. Nothing where the checkpoint did not learn such tilts.
    """
    model = _model(path)
    step = float(condition.step)
    try:
        tilts = known_tilts(model.contract["wedge"], [float(series.tilts.min()), float(series.tilts.max()), step], "the series")
    except CellmlError as refusal:
        print(f"{path.stem}: {refusal}", flush=True)
        return
    methods = [shown(text) for text in model.contract["wedge"]["reconstruction"]]
    image = np.stack([standardised(reconstruct(series, thickness, method).data) for method in methods])
    answer = np.asarray(model.task.predict_volume(image)[0], np.float32)
    yield path.stem, answer
    yield f"{path.stem}+return", returned(answer, image[0], tilts, strength=1.0)
    yield f"{path.stem}+tilts", with_tilts(answer, series)


def with_tilts(answer: Floats, series: TiltSeries) -> Floats:
    """The answer on the grey scale of the projections (one gain and offset by least squares), made consistent with them."""
    import torch

    projector = ParallelProjector(series.tilts, answer.shape, width=series.data.shape[2])
    columns = [projector.forward(torch.from_numpy(v)).numpy().ravel() for v in (answer, np.ones_like(answer))]
    design = np.stack(columns, axis=1).astype(np.float64)
    gain, offset = np.linalg.lstsq(design.T @ design, design.T @ series.data.ravel().astype(np.float64), rcond=None)[0]
    scaled = (gain * answer + offset).astype(np.float32)
    return np.asarray(consistent_with_tilts(Volume(scaled, (series.pixel,) * 3), series, iterations=10).data, np.float32)
