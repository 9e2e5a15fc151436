"""The shapes that networks are judged on, what is true of them, and what a prediction makes of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from cellml.data.procedural_answers import ProceduralAnswers
from cellml.data.procedural_kinds import Spine
from cellml.data.procedural_module import ProceduralDataModule
from cellml.errors import CellmlError
from cellml.meshhead.certified import certified, mesh_of
from cellml.meshhead.head import CertifiedHead, Frame
from cellml.meshhead.scores import labels_of, scores_of_nested
from cellml.sim.conductance import shape_factor
from cellml.sim.domain import UM_PER_NM, Domain
from cellml.sim.enrichment import Enrichment
from cellml.sim.first_passage import first_passage_time
from cellml.sim.part import part_of
from cellml.sim.shape_gradient.observables import Conductance, FirstPassage, Volume, largest_part
from cellml.tasks.certified_scores import scores_of_mesh
from cellml.types import TetMesh

SHAPE, SPACING = (48, 48, 48), (12.0, 12.0, 12.0)
MOST = 400  # shapes of a seed
FINER, STEP = 2, 1.5
MODULE = "cellml.data.procedural_module.ProceduralDataModule"
NAMES = {1: "base", 2: "neck", 3: "head"}
SPINE, NECK = ["neck", "head"], ["neck"]
ANSWERS: dict[str, Any] = {
    "escape_time": FirstPassage("base|neck", SPINE),
    "neck_conductance": Conductance("base|neck", "neck|head", NECK),
    "neck_volume": Volume(NECK),
    "spine_volume": Volume(SPINE),
}


@cache
def _training_data(seed: int, settings: str) -> ProceduralDataModule:
    return instantiate(OmegaConf.create(settings), _convert_="all")


def training_data(seed: int, **settings: Any) -> ProceduralDataModule:
    """The data module of an experiment, made once for all trainings of a seed: its cells and their answers are kept."""
    return _training_data(seed, OmegaConf.to_yaml(OmegaConf.create({"_target_": MODULE, "seed": seed, **settings})))


@cache
def held_out_data(seed: int) -> ProceduralDataModule:
    """Spines that no training has, whose seeds are 0 (the shipped checkpoint's), 1 and 2."""
    data = ProceduralDataModule([Spine()], SHAPE, SPACING, 1, MOST, 1000, patches_per_epoch=1, seed=seed)
    data.setup()
    return data


def held_out_cell(number: int, seed: int) -> dict[str, Any]:
    """One of them with its image, labels, surfaces and, under "true", the answers of a mesh of cubes of 9 nm, in place of 24."""
    block = held_out_data(seed)._val[number]
    true = ProceduralAnswers(ANSWERS, FINER, STEP)(block.content()[0])
    known = dict(zip(ANSWERS, true.tolist(), strict=True))
    return {**held_out_data(seed).whole(block), "true": known, "spacing": SPACING, "origin": block.origin}


def mesh_of_distances(head: CertifiedHead, frame: Frame, distances: torch.Tensor) -> TetMesh:
    """What a head makes of distances (K, Z, Y, X) in nm that are true."""
    maps = torch.cat([distances / head.step_nm(frame.spacing), torch.zeros(3, *frame.shape)])
    grid = head.grid(frame, maps)
    return mesh_of(grid, head(grid, frame, maps), NAMES)


def simulated(mesh: TetMesh) -> dict[str, float]:
    """The shipped solver's answers on quadratic elements, NaN where one cannot be had; D is 1 µm²/s."""
    return {
        "escape_time": _tried(lambda: _escape(mesh)),
        "neck_conductance": _tried(lambda: _conductance(mesh)),
        "neck_volume": _volume(mesh, NECK),
        "spine_volume": _volume(mesh, SPINE),
    }


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


def _tried(solve: Any) -> float:
    try:
        return float(solve())
    except CellmlError:
        return float("nan")


def judged(task: Any, cell: dict[str, Any]) -> dict[str, Any]:
    """One row: simulated answers over the true ones, minus 1; Dice and distances of the same prediction."""
    frame = Frame(SHAPE, SPACING)
    maps = torch.from_numpy(task.predict_volume(cell["image"].numpy()))
    result = task.mesh(maps.numpy(), frame, "prediction")
    found, scores = simulated(result.mesh), scores_of_mesh(result, cell, len(NAMES))
    labels = labels_of(scores_of_nested(task.head.moved(maps[:-3].flatten(1)))).reshape(SHAPE).numpy()
    return _row(found, cell, dice(labels, cell["labels"].numpy()), scores.assd_voxels, scores.genus_correct, scores.sound)


def _row(found: dict[str, float], cell: dict[str, Any], dice: float, assd: float, genus: float, sound: bool) -> dict[str, Any]:
    row: dict[str, Any] = {name: round(found[name] / true - 1, 5) for name, true in cell["true"].items()}
    return row | {"dice": round(dice, 5), "assd": round(assd, 4), "genus_correct": round(genus, 3), "sound": sound}


def dice(labels: Any, truth: Any) -> float:
    """Mean over compartments of 2 |A ∩ B| / (|A| + |B|), voxel by voxel."""
    return float(np.mean([2 * ((labels == k) & (truth == k)).sum() / ((labels == k).sum() + (truth == k).sum()) for k in NAMES]))


def judged_oracle(cell: dict[str, Any]) -> dict[str, Any]:
    """The same row for the head given the true distances: what its grid of two voxels leaves."""
    mesh = mesh_of_distances(CertifiedHead(), Frame(SHAPE, SPACING), cell["distances"])
    scores = scores_of_mesh(certified(mesh), cell, len(NAMES))
    return _row(simulated(mesh), cell, 1.0, scores.assd_voxels, scores.genus_correct, scores.sound)
