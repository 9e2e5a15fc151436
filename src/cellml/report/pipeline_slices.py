"""The image of a `cellml pipeline` run with the labels that its network found, on planes through an object that is followed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.report.markup import Html, picture
from cellml.report.run_folder import AbsentError, RunFolder, natural
from cellml.report.slices import Plane, length_text, representative_planes, slices_figure
from cellml.types import Labels, Triple

Voxel = tuple[int, int, int]


def pipeline_slices(run: RunFolder) -> Html:
    """What steps 01 and 02 left. Raises AbsentError before step 01 is done, FileError for a damaged volume."""
    from cellml.pipeline.image import IMAGE, read_image
    from cellml.pipeline.segmentation import LABELS, OBJECTS, read_labels_of

    image, segmentation = run.path / "01_image", run.path / "02_segmentation"
    if not (image / IMAGE).is_file():
        raise AbsentError
    volume = read_image(image)
    shown = None
    places: list[Voxel] = []
    names: list[str] = []
    if (segmentation / LABELS).is_file():
        labels = read_labels_of(segmentation)
        names, places = _followed(labels, segmentation) if (segmentation / OBJECTS).is_file() else ([], [])
        numbers = [int(name) for name in names] if all(name.isdigit() for name in names) else list(range(1, len(names) + 1))
        shown = _renumbered(labels.data, places, numbers)
    figure = slices_figure(
        volume.spacing,
        raw=volume.data,
        prediction=shown,
        highlighted=numbers if shown is not None else (),
        planes=_planes(volume.data.shape, volume.spacing, places),
    )
    return picture(figure, alt="Slices through the image with labels laid over it", caption=_caption(volume, names), vector=False)


def _followed(labels: Labels, segmentation: Path) -> tuple[list[str], list[Voxel]]:
    """Names, in the order of the report's meshes, and voxels of the objects that are followed."""
    from cellml.pipeline.geometry import voxel_of
    from cellml.pipeline.segmentation import read_followed

    found = sorted(read_followed(segmentation), key=lambda one: natural(one.name))
    return [one.name for one in found], [voxel_of(labels, one.point_nm) for one in found]


def _renumbered(labels: NDArray[Any], places: Sequence[Voxel], numbers: Sequence[int]) -> NDArray[np.int64]:
    """Labels (Z, Y, X) in which the objects at some voxels bear given numbers, and all others higher ones; 0 stays 0."""
    known, inverse = np.unique(labels, return_inverse=True)
    renamed = np.where(known > 0, known.astype(np.int64) + max(numbers, default=0), 0)
    for place, number in zip(places, numbers, strict=True):
        if labels[place] > 0:
            renamed[known == labels[place]] = number
    return np.asarray(renamed[inverse].reshape(labels.shape))


def _planes(shape: Sequence[int], spacing: Triple, places: Sequence[Voxel]) -> list[Plane]:
    """As `representative_planes`, but through the first object, in a thin block through the first three."""
    usual = representative_planes(shape, spacing)
    if not places:
        return usual
    if len({plane.axis for plane in usual}) == 3:
        return [Plane(plane.axis, places[0][plane.axis]) for plane in usual]
    return [Plane(0, z) for z in sorted({place[0] for place in places[:3]})]


def _caption(volume: Any, names: Sequence[str]) -> str:
    sides = " × ".join(length_text(n * s) for n, s in zip(volume.data.shape, volume.spacing, strict=True))
    caption = (
        f"Block of {sides} (z × y × x), voxels of {' × '.join(f'{s:g}' for s in volume.spacing)} nm. Prediction: the labels of step 02."
    )
    if not names:
        return caption
    through = f" Planes through object {names[0]}, of {len(names)} that are followed"
    return caption + through + (", in the colours of the 3D view." if all(name.isdigit() for name in names) else ".")
