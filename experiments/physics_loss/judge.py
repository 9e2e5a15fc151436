"""What a network's prediction of a shape answers, and how good its voxels are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from shapes import ANSWERS, NAMES, NECK, SHAPE, SPACING, SPINE

from cellml.errors import CellmlError
from cellml.meshhead.certified import mesh_of
from cellml.meshhead.head import Frame
from cellml.meshhead.logits import cut_logits
from cellml.meshhead.scores import labels_of, scores_of_nested
from cellml.sim.conductance import shape_factor
from cellml.sim.domain import UM_PER_NM, Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.first_passage import first_passage_time
from cellml.sim.part import part_of
from cellml.sim.shape_gradient.observables import largest_part
from cellml.types import TetMesh

FRAME = Frame(SHAPE, SPACING)
_LEAST = 1e-30  # of a probability whose logarithm is taken

Predicted = tuple[TetMesh, Any]


def by_head(task: Any, cell: dict[str, Any]) -> Predicted:
    """The mesh that inference makes, and the labels (Z, Y, X) of the same distances."""
    maps = task.predict_volume(cell["image"].numpy())
    labels = labels_of(scores_of_nested(task.head.moved(torch.from_numpy(maps[:-3])).flatten(1)))
    return mesh_of(*task.cut(maps, FRAME), NAMES), labels.reshape(SHAPE).numpy()


def by_segmentation(task: Any, cell: dict[str, Any]) -> Predicted:
    """The mesh cut from the logarithms of the probabilities, and the most probable labels (Z, Y, X)."""
    chances = torch.from_numpy(task.predict_volume(cell["image"].numpy()))
    with torch.no_grad():
        mesh = mesh_of(*cut_logits(chances.clamp(min=_LEAST).log(), FRAME, task.step_nm), NAMES)
    return mesh, chances.argmax(0).numpy()


PREDICTED: dict[str, Callable[[Any, dict[str, Any]], Predicted]] = {"head": by_head, "segmentation": by_segmentation}


def row_of(predicted: Predicted, cell: dict[str, Any], names: tuple[str, ...] = tuple(ANSWERS)) -> dict[str, Any]:
    """Simulated answers over the true ones, minus 1, NaN where one cannot be had; Dice."""
    mesh, labels = predicted
    row: dict[str, Any] = {name: round(SOLVED[name](mesh) / cell["true"][name] - 1, 5) for name in names}
    return row | {"dice": round(dice(labels, cell["labels"].numpy()), 5)}


def dice(labels: Any, truth: Any) -> float:
    """Mean over compartments of 2 |A ∩ B| / (|A| + |B|), voxel by voxel."""
    return float(np.mean([2 * ((labels == k) & (truth == k)).sum() / ((labels == k).sum() + (truth == k).sum()) for k in NAMES]))


def _escape(mesh: TetMesh) -> float:
    domain, enrichment = _domain(mesh, SPINE)
    return first_passage_time(domain, enrichment, 1.0, _facets(domain, "base|neck")).value


def _conductance(mesh: TetMesh) -> float:
    domain, enrichment = _domain(mesh, NECK)
    return shape_factor(domain, enrichment, _facets(domain, "base|neck"), _facets(domain, "neck|head")).value


def _volume(mesh: TetMesh, regions: list[str]) -> float:
    return sum(volume for name, volume in mesh.region_volumes().items() if name in regions) * UM_PER_NM**3


def _domain(mesh: TetMesh, regions: list[str]) -> tuple[Domain, Enrichment]:
    domain = Domain(part_of(mesh, largest_part(mesh, regions)))
    return domain, Enrichment(domain)


def _facets(domain: Domain, name: str) -> Any:
    facets = domain.mesh.facets_named(name)
    if not len(facets):
        raise CellmlError(f"The largest piece has no {name}.")
    return domain.local(facets)


def _or_nan(solve: Callable[[TetMesh], float]) -> Callable[[TetMesh], float]:
    def tried(mesh: TetMesh) -> float:
        try:
            return float(solve(mesh))
        except CellmlError:
            return float("nan")

    return tried


SOLVED = {  # by the shipped solver, quadratic elements; D is 1 µm²/s
    "escape_time": _or_nan(_escape),
    "neck_conductance": _or_nan(_conductance),
    "neck_volume": lambda mesh: _volume(mesh, NECK),
    "spine_volume": lambda mesh: _volume(mesh, SPINE),
}
