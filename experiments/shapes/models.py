"""The trained models of spines that are judged: checkpoints beside this file, and principal components of each of five folds of stacks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from cellml.checkpoint import load
from cellml.data.labelled_mesh import folds_by_group
from cellml.data.spine_meshes import all_spines
from cellml.shapes.model import ShapeModel

HERE = Path(__file__).parent
KEPT = Path(os.environ.get("CELLML_CACHE", "runs")) / "shapes_folds"
FOLDS = 5
FOLDED = "pca"  # cheap enough to be fitted once a fold; of the others one training is judged, on the first fold


@dataclass(frozen=True, eq=False)
class Trained:
    """A model, the fold that it has not seen, the image stacks in it, and whether its shapes lie in the frame of their base."""

    name: str
    fold: int
    stacks: tuple[str, ...]
    task: Any
    based: bool


@cache
def stacks_of(fold: int) -> tuple[str, ...]:
    """Image stacks of one of five folds of all 292 spines."""
    groups = [stack for _, _, stack, _ in all_spines()]
    folds = folds_by_group(groups, FOLDS)
    return tuple(sorted(set(np.array(groups)[folds == fold].tolist())))


def fold_checkpoint(fold: int) -> Path:
    """Principal components fitted without the stacks of a fold, fitted where they are not there."""
    shipped, folder = HERE / f"{FOLDED}.ckpt", KEPT / f"{FOLDED}-{fold}"
    if fold == 0 and shipped.is_file():
        return shipped
    if not (folder / "model.ckpt").is_file():
        held_out = f"data.held_out=[{','.join(repr(stack) for stack in stacks_of(fold))}]"
        words = [f"experiment=shapes/{FOLDED}", held_out, "data.fold=null", f"hydra.run.dir={folder}", "trainer.enable_progress_bar=false"]
        subprocess.run([sys.executable, "-m", "cellml", "train", *words], check=True)
    return folder / "model.ckpt"


def trained_models() -> Iterator[Trained]:
    """Each model once a fold; a checkpoint that does not say which stacks it has not seen, or makes no shapes, is passed over."""
    places = {(place.stem, 0): place for place in sorted(HERE.glob("*.ckpt"))}
    places |= {(FOLDED, fold): fold_checkpoint(fold) for fold in range(FOLDS)}
    for (name, fold), place in places.items():
        loaded = load(place)
        data = OmegaConf.create(str(loaded.record["config"])).get("data")
        unseen = (data or {}).get("left_out") or (data or {}).get("held_out") or ()
        held = tuple(sorted(str(stack) for stack in unseen))
        if isinstance(loaded.task, ShapeModel) and held == stacks_of(fold):
            yield Trained(name, fold, held, loaded.task, data.source == "spines:base")
