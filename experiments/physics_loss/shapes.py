"""The shapes that networks are trained and judged on, and what is true of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from hydra.utils import instantiate
from omegaconf import OmegaConf

from cellml.data.procedural_answers import ProceduralAnswers
from cellml.data.procedural_kinds import Spine
from cellml.data.procedural_module import ProceduralDataModule
from cellml.sim.shape_gradient.observables import Conductance, FirstPassage, Volume

SHAPE, SPACING = (48, 48, 48), (12.0, 12.0, 12.0)
VALIDATION, TEST = 3500, 4000  # seeds; no training has them, nor had the two tries before (2000, 3000)
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
TRAINED, OTHERS = ("escape_time", "neck_conductance"), ("neck_volume", "spine_volume")  # those in the loss, and those that no loss has


@cache
def _training_data(seed: int, settings: str) -> ProceduralDataModule:
    return instantiate(OmegaConf.create(settings), _convert_="all")


def training_data(seed: int, **settings: Any) -> ProceduralDataModule:
    """The data module of an experiment, made once for all trainings of a seed: its cells and their answers are kept."""
    return _training_data(seed, OmegaConf.to_yaml(OmegaConf.create({"_target_": MODULE, "seed": seed, **settings})))


@cache
def held_out_data(seed: int) -> ProceduralDataModule:
    """Spines that no training has."""
    data = ProceduralDataModule([Spine()], SHAPE, SPACING, 1, MOST, 1000, patches_per_epoch=1, seed=seed)
    data.setup()
    return data


@cache
def held_out_cell(number: int, seed: int) -> dict[str, Any]:
    """One of them with its image, labels, surfaces and, under "true", the answers of a mesh of cubes of 9 nm, in place of 24."""
    block = held_out_data(seed)._val[number]
    true = ProceduralAnswers(ANSWERS, FINER, STEP)(block.content()[0])
    known = dict(zip(ANSWERS, true.tolist(), strict=True))
    return {**held_out_data(seed).whole(block), "true": known, "spacing": SPACING, "origin": block.origin}
