"""Step 03: label volumes drawn from everything that segmentation is unsure of.

Image draw i is the image with other noise (and another content of a missing wedge); segmentation draw j is one network in one
orientation, a correlated field of doubt and a threshold of the decoder. Each of the pairs (i, j) is segmented, so that what differs
between images and what differs between segmentations can be told apart. Mergers and splits come from the decoder, which sees other
affinities each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.pipeline.image import read_image
from cellml.pipeline.image_draws import drawn_image
from cellml.pipeline.recipe import ImageStep, SampleStep, SegmentationStep
from cellml.types import Volume

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SegmentationDraw:
    """net, symmetry: numbers of the member; threshold: of the decoder, None for its own; seed: of the field of doubt."""

    net: int
    symmetry: int
    threshold: float | None
    seed: tuple[int, ...]


def sample_name(image: int, segmentation: int) -> str:
    """File of a pair of draws."""
    return f"sample_{image:02d}_{segmentation:02d}.tif"


def segmentation_draws(step: SampleStep, nets: int, symmetries: int) -> list[SegmentationDraw]:
    """Members in turn, in random order, each draw with a threshold dealt out of those given, so that all occur alike."""
    rng = np.random.default_rng([step.seed, 2])
    members = [(net, symmetry) for symmetry in range(symmetries) for net in range(nets)]
    order = np.resize(rng.permutation(len(members)), step.segmentations)
    thresholds = [None] if step.thresholds is None else list(step.thresholds)
    dealt = rng.permutation(np.resize(np.arange(len(thresholds)), step.segmentations))
    return [SegmentationDraw(*members[m], thresholds[t], (step.seed, 3, n)) for n, (m, t) in enumerate(zip(order, dealt, strict=True))]


def make_samples(
    folder: Path,
    image: Path,
    noise: float,
    checkpoints: Sequence[str],
    measured: Mapping[str, Any],
    steps: tuple[ImageStep, SegmentationStep, SampleStep],
    *,
    trust: Sequence[str],
) -> Mapping[str, Any]:
    """Write `sample_II_JJ.tif` for each pair of draws that is not there yet; the volume with its probabilities is held in memory.

    noise: deviation of the image's noise; measured: what step 02 said of the network. Returns how the draws were made. Raises CellmlError
    for thresholds that the network's decoder does not have, and a network that does not normalise images by their own mean and deviation.
    """
    from cellml.infer.command import fitted_window
    from cellml.infer.device import choose_device
    from cellml.infer.members import load_members, make_committee

    at_image, segmentation, step = steps
    members = load_members(checkpoints, trust)
    place = choose_device(segmentation.device)
    task = members.task.to(place)
    if step.thresholds is not None:
        _require_threshold(task)
    committee = make_committee(members, tta=segmentation.tta, dropout_passes=0, seed=step.seed, entropies=False).to(place)
    drawn = segmentation_draws(step, len(members.nets), len(committee.symmetries))
    window = fitted_window(task.window, place, tile=segmentation.tile, halo=None, precision=None)
    length = step.correlation_nm or float(measured["correlation_nm"])
    spread = float(measured["decisiveness"]) if step.decisiveness is None else step.decisiveness
    drawing = _Drawing(members, committee, window, length, spread, segmentation.temperature)
    volume = read_image(image)
    for i in range(step.images):
        if all((folder / sample_name(i, j)).exists() for j in range(step.segmentations)):
            continue
        normal = _normalised(drawn_image(volume.data, at_image.noise * noise, at_image.wedge, [step.seed, 1, i]), members.contract)
        for j, labels in drawing.labels(normal, volume, drawn, folder, i):
            _write(folder / sample_name(i, j), labels, volume, task.target.kind)
    return {
        "samples": step.images * step.segmentations,
        "correlation_nm": length,
        "decisiveness": spread,
        "noise": at_image.noise * noise,
        "draws": [{"net": d.net, "symmetry": d.symmetry, "threshold": d.threshold} for d in drawn],
    }


@dataclass(frozen=True, eq=False)
class _Drawing:
    """Everything a draw of labels needs but the image and the draw."""

    members: Any
    committee: Any
    window: Any
    length_nm: float
    decisiveness: float
    temperature: float | str | None

    def labels(
        self, image: Floats, volume: Volume, drawn: Sequence[SegmentationDraw], folder: Path, number: int
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Labels (Z, Y, X) of each draw of an image (1, Z, Y, X) that has no file yet; each member is asked once."""
        from cellml.uncertainty.member import OneMember

        for net, symmetry in dict.fromkeys((d.net, d.symmetry) for d in drawn):
            asked = [
                j for j, d in enumerate(drawn) if (d.net, d.symmetry) == (net, symmetry) and not (folder / sample_name(number, j)).exists()
            ]
            if asked:
                member = OneMember(self.committee, net, symmetry)
                said = self.window.whole(member, image, activation=lambda p: p)
                for j in asked:
                    yield j, self._drawn(said, volume, drawn[j])

    def _drawn(self, said: Floats, volume: Volume, draw: SegmentationDraw) -> NDArray[Any]:
        from cellml.uncertainty.draws import draw_classes, drawn_member, fields_for_classes
        from cellml.uncertainty.field import CorrelatedField
        from cellml.uncertainty.temperature import read_calibration

        task, exclusive, shape = self.members.task, self.committee.exclusive, said.shape[1:]
        objects = task.target.kind == "instance"
        count = 1 if objects else fields_for_classes(len(said))
        fields = [CorrelatedField(shape, volume.spacing, self.length_nm, [*draw.seed, k]) for k in range(count)]
        whole = np.stack([field.slab(slice(0, shape[0])) for field in fields])
        if objects:
            changed = drawn_member(said, whole[0], self.decisiveness, exclusive=exclusive)
            return _decoded(task, changed, draw.threshold)
        honest = read_calibration(self.temperature).apply(said, exclusive=exclusive)
        return draw_classes(honest, whole)


def _decoded(task: Any, probabilities: Floats, threshold: float | None) -> NDArray[Any]:
    """Objects with a threshold instead of the decoder's own."""
    if threshold is None:
        return np.asarray(task.decode(probabilities))
    own = task.decoder
    task.decoder = replace(own, threshold=threshold)
    try:
        return np.asarray(task.decode(probabilities))
    finally:
        task.decoder = own


def _require_threshold(task: Any) -> None:
    """Raise CellmlError for a network of classes, and for a decoder of objects without a threshold: nothing would be varied."""
    objects = task.target.kind == "instance"
    if not objects or not hasattr(task.decoder, "threshold"):
        what = type(task.decoder).__name__ if objects else "a network of classes"
        raise CellmlError(f"samples.thresholds are for decoders of objects with a threshold, and {what} has none; leave them out.")


def _normalised(image: Floats, contract: Mapping[str, Any]) -> Floats:
    """A drawn image as the network knows images, (1, Z, Y, X)."""
    from cellml.data.normalisation import Normalisation

    class Drawn:
        shape, dtype, axes, name = image.shape, image.dtype, "ZYX", "the drawn image"

        def read(self, region: Any = None) -> Floats:
            return image if region is None else image[region]

    if contract["normalisation"] != "volume":
        raise CellmlError(
            f"The checkpoint normalises images by {contract['normalisation']!r}; draws of noise need one that takes "
            "the mean and deviation of the volume (data.normalisation=volume)."
        )
    return np.asarray(Normalisation.measure(Drawn(), method="volume").apply(image), np.float32).reshape(1, *image.shape)


def _write(path: Path, labels: NDArray[Any], volume: Volume, kind: str) -> None:
    from cellml.io import write_labels
    from cellml.types import Labels

    smallest = np.uint16 if int(labels.max(initial=0)) < 2**16 else np.uint32
    write_labels(Labels(labels.astype(smallest), volume.spacing, volume.origin, kind=kind, name=path.stem), path)
