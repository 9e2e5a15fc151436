"""The rungs that are compared: which recipe, which overrides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labelled import LEVELS, Level

SMALL = (
    "data.train=[{region:{y:[0,256]}}]",
    "data.val=[{region:{y:[264,304]}}]",
    "data.guard=8",
    "trainer.enable_progress_bar=false",
)
NETWORK = (
    *SMALL,
    "data.patch=[12,128,128]",
    "data.patches_per_epoch=20",
    "task.decoder_grid.smallest=[0,100]",
    "task.window.tile=[20,256,256]",
    "task.window.halo=[20,64,64]",
    "training.precision=bf16-mixed",
    "training.validations=1",
    "callbacks.best=null",
)
UNET = ("task.net.spacing=[45,9.2,9.2]", "task.net.widths=[24,48,64,80]", "task.net.fine_channels=8")
AROUND = ("data.sampling={_target_:cellml.data.sampling.AroundLabels,share:1.0,balanced:true}",)
STEPS = 400
EVERY = tuple(level.name for level in LEVELS)
FEW = ("2 sections (10 %)", "all 20 sections")


@dataclass(frozen=True)
class Rung:
    """words(level, draw, work folder): overrides of `cellml train`; levels, draws: which shares of labels, and how often; pretrained:
    whether the pretraining on unlabelled sections must be there first.
    """

    name: str
    label: str
    words: Callable[[Level, int, Path], tuple[str, ...]]
    steps: int = STEPS
    levels: tuple[str, ...] = EVERY
    draws: int = 3
    pretrained: bool = False

    def overrides(self, level: Level, draw: int, work: Path) -> tuple[str, ...]:
        """Overrides of `cellml train`, labels and files apart."""
        return self.words(level, draw, work)


@dataclass(frozen=True)
class Pretraining:
    """Masked volumes of the training rows, without their labels."""

    steps: int = 800

    def path(self, work: Path) -> Path:
        """The pretrained model."""
        return work / "pretrained" / "model.ckpt"

    def make(self, data: Path, work: Path) -> None:
        """Pretrain on the training rows unless it was done."""
        from cellml.cli import run_verb

        if self.path(work).is_file():
            return
        folder = f"hydra.run.dir={self.path(work).parent}"
        words = (*SMALL, "data.patch=[12,128,128]", "data.patches_per_epoch=20", *UNET, "training.precision=bf16-mixed")
        own = (f"data.path={data}:raw", f"training.max_steps={self.steps}", "training.validations=1", folder)
        run_verb("train", ["experiment=segmentation/pretrain_vnc", *words, *own])


ALL_UNLABELLED = Pretraining()


def unet(level: Level, draw: int, work: Path, recipe: str = "vnc_mito") -> tuple[str, ...]:
    return (f"experiment=segmentation/{recipe}", *NETWORK, *UNET, *AROUND, f"training.max_steps={STEPS}")


def pretrained(level: Level, draw: int, work: Path) -> tuple[str, ...]:
    return (*unet(level, draw, work), f"training.initialise_from={ALL_UNLABELLED.path(work)}")


def pseudo(level: Level, draw: int, work: Path) -> tuple[str, ...]:
    """The U-Net of the same labels teaches its successor on what nobody labelled, where it is sure."""
    teacher = work / f"unet_{level.share:g}_{draw}" / "model.ckpt"
    anywhere = "data.sampling.share=0.5"
    return (*unet(level, draw, work, "vnc_pseudo"), anywhere, f"data.pseudo.checkpoint={teacher}", f"training.initialise_from={teacher}")


def forest(level: Level, draw: int, work: Path) -> tuple[str, ...]:
    return ("experiment=segmentation/forest", *SMALL, "task.net.features.spacing=[45,9.2,9.2]", "task.net.features.stride=[1,1,1]")


RUNGS = {
    rung.name: rung
    for rung in (
        Rung("forest", "random forest", forest, steps=1),
        Rung("unet", "3D U-Net", unet),
        Rung("unet_pretrained", "3D U-Net, pretrained on masked volumes", pretrained, levels=FEW, pretrained=True),
        Rung("unet_pseudo", "3D U-Net with pseudo-labels", pseudo, steps=2 * STEPS, levels=EVERY[:-1]),
    )
}
