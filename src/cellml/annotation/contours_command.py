"""The verb `contours`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellml.errors import CellmlError

if TYPE_CHECKING:
    from cellml.types import Labels


def contours_file(
    input: str | Path,
    output: str | Path,
    *,
    image: str | Path | None = None,
    bridge: int = 0,
    tolerance: float = 0.0,
    flip_y: bool = False,
    kind: str = "instance",
    spacing_nm: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Fill the contours of an IMOD model, or draw contours around labels; which one, the suffix .mod of input or output decides.

    input, output: a model (.mod) and a label file, or the other way round; image: the image that the contours were drawn on, for its shape
    and voxel size; bridge: gaps of at most so many untraced sections are filled by shape-based interpolation; tolerance: pixels, for
    contours of fewer points; flip_y: whether 3dmod counted rows from the bottom, as it does for TIFF and JPEG; kind: of the labels,
    instance or semantic; spacing_nm: (z, y, x) where the image or label file does not say it. Prints and returns what was done.

    Raises CellmlError as `contours_to_labels` and `labels_to_contours` do, and where pixel sizes of model and image differ by over 1 %.
    """
    suffixes = [str(path).lower().endswith(".mod") for path in (input, output)]
    if sum(suffixes) != 1:
        raise CellmlError(f"One of input={input} and output={output} must be an IMOD model (.mod) and the other a label file.")
    if bridge < 0:
        raise CellmlError(f"bridge={bridge}: give the largest number of untraced sections to fill, 0 or more.")
    done = (
        _fill(input, output, image, bridge, flip_y, kind, spacing_nm)
        if suffixes[0]
        else _draw(input, output, tolerance, flip_y, spacing_nm)
    )
    _print(done)
    return done


def _fill(
    model_file: str | Path,
    output: str | Path,
    image: str | Path | None,
    bridge: int,
    flip_y: bool,
    kind: str,
    spacing_nm: Sequence[float] | None,
) -> dict[str, Any]:
    from cellml.annotation.contours import contours_to_labels
    from cellml.data.references import resolve
    from cellml.io import open_image, write_labels
    from cellml.io.imod import read_imod

    if image is None:
        raise CellmlError("Give image=FILE, the image that the contours were drawn on: a model does not hold its voxel size and shape.")
    model = read_imod(model_file)
    with open_image(resolve(str(image), "image")[0], spacing_nm=spacing_nm) as source:
        shape, spacing, origin = source.shape, source.spacing, source.origin
    if model.pixel_nm is not None and abs(model.pixel_nm - spacing[2]) > 0.01 * spacing[2] and spacing_nm is None:
        raise CellmlError(
            f"{model_file} has pixels of {model.pixel_nm:g} nm, but {image} of {spacing[2]:g} nm. If they belong together, "
            f"say which is right: spacing_nm=[{spacing[0]:g},{spacing[1]:g},{spacing[2]:g}]."
        )
    labels, said = contours_to_labels(model, shape, spacing, origin=origin, bridge=bridge, kind=kind)
    labels = _turned(labels) if flip_y else labels
    write_labels(labels, output)
    numbers, counts = np.unique(labels.data[labels.data > 0], return_counts=True)
    voxels = {int(n): int(c) for n, c in zip(numbers, counts, strict=True)}
    return {"output": str(output), "objects": len(voxels), "voxels": voxels, "said": list(said)}


def _draw(label_file: str | Path, output: str | Path, tolerance: float, flip_y: bool, spacing_nm: Sequence[float] | None) -> dict[str, Any]:
    from cellml.annotation.contours import labels_to_contours
    from cellml.data.references import resolve
    from cellml.io import read_labels
    from cellml.io.imod import write_imod

    labels = read_labels(resolve(str(label_file), "labels")[0], spacing_nm=spacing_nm)
    model = labels_to_contours(_turned(labels) if flip_y else labels, tolerance=tolerance)
    write_imod(model, output)
    contours = [contour for thing in model.objects for contour in thing.contours]
    points = sum(len(contour.points) for contour in contours)
    return {"output": str(output), "objects": len(model.objects), "contours": len(contours), "points": points, "said": []}


def _turned(labels: Labels) -> Labels:
    return replace(labels, data=np.ascontiguousarray(labels.data[:, ::-1]))


def _print(done: dict[str, Any]) -> None:
    what = (
        f"{done['contours']:,} contours of {done['points']:,} points" if "contours" in done else f"{sum(done['voxels'].values()):,} voxels"
    )
    print(f"{done['output']}: {done['objects']} objects, {what}.")
    for line in done["said"]:
        print(f"  {line}")
