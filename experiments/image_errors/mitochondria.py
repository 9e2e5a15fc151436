"""Mitochondria of serial sections under the same filters: a random forest as it is, the forest trained anew on filtered images, a U-Net."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from conditions import FILTERS, Condition

from cellml.checkpoint import load
from cellml.data.sources import locate
from cellml.imaging.frame import Frame
from cellml.io import read_labels, read_volume
from cellml.metrics.confusion import ConfusionCounts
from cellml.types import Volume

UNET = Path(__file__).parents[1] / "segmentation_vnc" / "model.ckpt"
CROP = (slice(0, 20), slice(256, 704), slice(0, 512))
TRAIN, VAL, TEST = [0, 256], [272, 352], [368, 448]  # y of the crop: 256 to 511, 528 to 607, and 624 to 703 of the stack
WHICH = (
    "Gaussian 5 nm",
    "Gaussian 10 nm",
    "Gaussian 20 nm",
    "median 10 nm",
    "bilateral 10 nm, 1.5",
    "NAD edge, 20 nm",
    "NAD coherence, 20 nm",
)


@dataclass
class Mitochondria:
    """The crop, the forest trained on it as it is, and the shipped U-Net, whose training saw the crop's training part too."""

    clean: Volume
    truth: np.ndarray
    forest: Any
    unet: Any

    @classmethod
    def open(cls) -> Mitochondria:
        """Trains the forest: seconds."""
        path = locate("vnc_stack1").path
        clean, truth = read_volume(f"{path}:raw", region=CROP), read_labels(f"{path}:mito", region=CROP).data
        return cls(clean, truth, trained(clean, truth), load(UNET).task)

    def score(self, condition: Condition) -> dict[str, Any]:
        """A row of IoUs on the sections that nothing was trained or chosen on."""
        begin = time.process_time()
        image = condition.image(self.clean, Frame.of(self.clean))
        anew = self.forest if condition == Condition() else trained(image, self.truth)
        return {
            **dict(zip(("error", "strength", "repair", "draw"), condition.key, strict=True)),
            "forest_iou": self.iou(self.forest, image),
            "forest_trained_on_the_same_iou": self.iou(anew, image),
            "unet_iou": self.iou(self.unet, image),
            "cpu_s": round(time.process_time() - begin, 1),
        }

    def iou(self, task: Any, image: Volume) -> float:
        """Foreground IoU of one model on the test rows of an image."""
        normalised = (image.data - image.data.mean(dtype=float)) / image.data.std(dtype=float)
        rows = slice(TEST[0] - 16, TEST[1])
        prediction = task.decode(task.predict_volume(normalised[None, :, rows].astype(np.float32)))[:, 16:]
        return round(ConfusionCounts.from_labels(self.truth[:, slice(*TEST)], prediction, 2).scores()[1].iou, 4)


def trained(image: Volume, truth: np.ndarray) -> Any:
    """The forest of experiment=segmentation/forest, fitted to this image; its threshold chosen on the validation rows."""
    from cellml.cli import main

    with TemporaryDirectory() as folder:
        np.savez(Path(folder) / "crop.npz", raw=image.data, mito=truth, voxel_nm=np.array(image.spacing))
        words = ["train", "experiment=segmentation/forest", f"data.path={folder}/crop.npz:raw", f"data.labels={folder}/crop.npz:mito"]
        words += [f"data.train=[{{region: {{y: {TRAIN}}}}}]", f"data.val=[{{region: {{y: {VAL}}}}}]", f"hydra.run.dir={folder}/run"]
        if main(words):
            raise SystemExit("the forest could not be trained; what was wrong stands above")
        return load(Path(folder) / "run" / "model.ckpt").task


def conditions() -> list[Condition]:
    """The image as it is and noisy, plain and filtered."""
    plain = [Condition(), *(Condition(repair=name) for name in WHICH)]
    noisy = [Condition("noise", 20.0), *(Condition("noise", 20.0, name) for name in WHICH if name in FILTERS and name != "Gaussian 5 nm")]
    return [*plain, *noisy]
