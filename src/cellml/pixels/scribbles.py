"""From an image and a few scribbles in memory to a checkpoint that predicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from cellml.data.labelled import UNLABELLED, Region
from cellml.data.normalisation import Normalisation
from cellml.errors import CellmlError
from cellml.pixels.configuration import as_configuration
from cellml.types import Labels, Volume

if TYPE_CHECKING:
    from cellml.checkpoint import LoadedModel
    from cellml.pixels.classifier import PixelClassifier
    from cellml.pixels.features import PixelFeatures


@dataclass(frozen=True, eq=False)
class ScribbledImage:
    """One image and its scribbles in memory, as what is fitted to voxels asks of an opened block.

    image: normalised (C, Z, Y, X); classes: (Z, Y, X) class numbers, UNLABELLED where nobody scribbled.
    """

    image: NDArray[np.float32]
    classes: NDArray[np.int64]
    name: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        z, y, x = self.classes.shape
        return (z, y, x)

    @property
    def training_blocks(self) -> list[ScribbledImage]:
        """Itself: all there is to learn from."""
        return [self]

    def read_image(self, region: Region) -> NDArray[np.float32]:
        """(C, z, y, x) of a region."""
        return self.image[(slice(None), *region)]

    def read_labels(self, region: Region) -> NDArray[np.int64]:
        """(z, y, x) class numbers of a region."""
        return self.classes[region]


def fit_scribbles(
    image: Volume,
    scribbles: Labels,
    output: str | Path,
    *,
    classes: Sequence[str] = ("background", "foreground"),
    features: PixelFeatures | None = None,
    classifier: Any = None,
    samples: int = 20_000,
    smoothing_nm: float = 0.0,
    seed: int = 0,
) -> LoadedModel:
    """Fit a pixel classifier to scribbles, write it as a checkpoint that `cellml infer` takes, and return the model in it.

    image: (Z, Y, X) or (C, Z, Y, X); scribbles: on the same grid, 0 where nobody scribbled, 1 for the first of `classes`, 2 for the second
    and so on; features: by default four scales, from the finest voxel edge on doubling; classifier: of scikit-learn, by default a random
    forest of 50 trees; samples, smoothing_nm, seed: as `PixelClassifier` explains. Scribbles do not tell how frequent the classes are, so
    that each voxel gets its most probable class, all of them equally likely beforehand. Raises CellmlError where image and scribbles
    differ in shape or voxel size, for a number without a class, and where fewer than two classes are scribbled.
    """
    from cellml import checkpoint
    from cellml.pixels.classifier import PixelClassifier
    from cellml.pixels.features import PixelFeatures
    from cellml.tasks.targets import SemanticTarget

    edge, block = min(image.spacing), _scribbled(image, scribbles, classes)
    features = features or PixelFeatures(spacing=image.spacing, scales_nm=tuple(edge * 2**k for k in range(4)))
    channels, kinds = len(block.image), len(classes)
    estimator = _forest() if classifier is None else classifier  # an unfitted ensemble has no length, hence no truth value
    net = PixelClassifier(features, estimator, channels, kinds, samples=samples, smoothing_nm=smoothing_nm, seed=seed)
    net.fit(block, SemanticTarget(classes))
    contract = {
        "axes": image.axes,
        "channels": channels,
        "spacing_nm": list(image.spacing),
        "normalisation": "volume",
        "patch": [8 * m for m in net.multiple],
    }
    text = OmegaConf.to_yaml({"seed": seed, "task": _task_configuration(net, classes)})
    record = checkpoint.make_record(text, "cellml.tasks.segmentation.SegmentationTask", contract, labels=list(classes), seed=seed)
    checkpoint.write(Path(output), {f"net.{name}": value for name, value in net.state_dict().items()}, record)
    return checkpoint.load(output)


def _scribbled(image: Volume, scribbles: Labels, classes: Sequence[str]) -> ScribbledImage:
    if image.shape != scribbles.shape or any(abs(a - b) > 0.01 * a for a, b in zip(image.spacing, scribbles.spacing, strict=True)):
        raise CellmlError(
            f"The image has {image.shape} voxels of {image.spacing} nm (z, y, x), and the scribbles {scribbles.shape} of "
            f"{scribbles.spacing} nm; they must be on one grid."
        )
    if "T" in image.axes:
        raise CellmlError(f"The image has a time axis ({image.axes}); take one of its frames.")
    if scribbles.data.max() > len(classes):
        raise CellmlError(f"The scribbles hold the number {scribbles.data.max()}, and there are {len(classes)} classes: {list(classes)}.")
    numbers = np.where(scribbles.data > 0, scribbles.data.astype(np.int64) - 1, UNLABELLED)
    return ScribbledImage(Normalisation.measure(_Whole(image)).apply(image.data), numbers, scribbles.name)


class _Whole:
    """A volume in memory, as `Normalisation` reads images."""

    def __init__(self, volume: Volume) -> None:
        self.volume, self.shape, self.dtype, self.axes, self.name = volume, volume.data.shape, volume.data.dtype, volume.axes, volume.name

    def read(self, region: Any = None) -> NDArray[Any]:
        """A region (z, y, x), of all channels."""
        return self.volume.data[(..., *region)]


def _forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=50, max_depth=12, min_samples_leaf=3, n_jobs=-1)


def _task_configuration(net: PixelClassifier, classes: Sequence[str]) -> dict[str, Any]:
    """What conf/task/pixels.yaml would be for this net."""
    return {
        "_target_": "cellml.tasks.segmentation.SegmentationTask",
        "net": {
            "_target_": "cellml.pixels.classifier.PixelClassifier",
            "features": as_configuration(net.features),
            "classifier": as_configuration(net.classifier),
            "in_channels": net.in_channels,
            "out_channels": net.out_channels,
            "samples": net.samples,
            "smoothing_nm": net.smoothing_nm,
            "seed": net.seed,
        },
        "target": {"_target_": "cellml.tasks.targets.SemanticTarget", "classes": list(classes)},
        "loss": {"_target_": "cellml.losses.semantic.SemanticLoss"},
        "optimizer": None,
        "window": {"_target_": "cellml.infer.predict.SlidingWindow", "tile": [32, 256, 256], "halo": None, "overlap": [0, 0, 0]},
    }
