"""The ways of fine-tuning that are compared, and one training of them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
STEPS = (50, 100)  # after which a training may stop; its schedule ends with the last
SEEDS = (11, 12, 13)  # of training cells, their order and their images; settings are chosen by the first


@dataclass(frozen=True)
class Way:
    """physics: weight of the simulated answers, 0 without; surfaces: whether the voxel losses have that of surfaces beside them."""

    physics: float
    surfaces: bool = False


@dataclass(frozen=True)
class Route:
    """What is fine-tuned. ways: those without physics are the control's; surfaces: the setting that says when surfaces count."""

    experiment: str
    ways: tuple[Way, ...]
    surfaces: str = ""


ROUTES = {
    "head": Route("mesh/physics_spine", (Way(0), Way(0, True), Way(0.3), Way(1, True)), "task.begin={}"),
    "segmentation": Route("mesh/physics_spine_segmentation", (Way(0), Way(0.3), Way(1))),
}
COMMON = (
    "++data._target_=shapes.training_data", "++data._recursive_=false", "data.train_cells=24", "data.points=500", "data.val_cells=1",
    "data.answers.step_voxels=2.0", "task.optimizer.lr=1e-4", f"training.max_steps={STEPS[-1]}", "training.validations=1",
    "callbacks.best=null", f"callbacks.last.every_n_train_steps={STEPS[0]}", "callbacks.last.save_top_k=-1",
    "callbacks.last.filename='{step:04d}'", "+callbacks.last.auto_insert_metric_name=false", "trainer.enable_progress_bar=false",
)  # fmt: skip


@cache
def start(route: str, work: Path) -> Path:
    """The network that fine-tuning begins with: the shipped head, or a segmentation that voxels alone have taught; trained where it is not
    there.
    """
    if route == "head":
        return HERE.parent / "mesh_head/certified_spine.ckpt"
    folder = work / "segmentation_start"
    return _run(ROUTES[route].experiment, folder, ("task.physics.weight=0", "data.answers=null", "training.max_steps=1500", "seed=0"))


def trained(route: str, way: Way, steps: int, seed: int, work: Path) -> Path:
    """The checkpoint after some steps of one fine-tuning; made where it is not there."""
    if steps == 0:
        return start(route, work)
    folder = work / f"{route}_physics_{way.physics:g}{'_surfaces' if way.surfaces else ''}_seed_{seed}"
    own = (f"task.physics.weight={way.physics}", f"training.initialise_from={start(route, work)}", f"seed={seed}", *COMMON)
    if ROUTES[route].surfaces:
        own += (ROUTES[route].surfaces.format("0.0" if way.surfaces else "1.0"),)
    _run(ROUTES[route].experiment, folder, own)
    return folder / f"checkpoints/{steps:04d}.ckpt"


def _run(experiment: str, folder: Path, overrides: tuple[str, ...]) -> Path:
    from cellml.cli import run_verb

    model = folder / "model.ckpt"
    if not model.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        run_verb("train", (f"experiment={experiment}", *overrides, f"hydra.run.dir={folder}"))
    return model
