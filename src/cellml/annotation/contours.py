"""Traced contours to labels and back.

3dmod counts x and y from the outer edge of the first pixel, so that its pixel i has its centre at i + ½, and z in whole numbers at the
middle of sections. Object n of the model becomes label n.
"""

from __future__ import annotations

import colorsys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.annotation.interpolation import bridged
from cellml.annotation.polygons import mask_polygons, nested_mask
from cellml.errors import CellmlError
from cellml.io.imod_model import ROTATED_ABOUT_X, ImodContour, ImodModel, ImodObject
from cellml.types import Labels, Triple

_OFF_PLANE = 0.5  # sections by which points of one contour may stray from their plane
_MARGIN = 2  # pixels of background around a shape that is interpolated
Polygons = dict[int, list[NDArray[np.float64]]]


@dataclass(frozen=True)
class Drawing:
    """The frame that contours were drawn in: the image, with y and z exchanged where 3dmod showed it so.

    shape: (sections, rows, columns); offset: pixels (x, y, z) to add to the model's coordinates; flipped: whether sections lie across y.
    """

    shape: tuple[int, int, int]
    offset: tuple[float, float, float]
    flipped: bool

    @classmethod
    def of(cls, model: ImodModel, shape: Sequence[int]) -> Drawing:
        """For an image of shape (Z, Y, X). Raises CellmlError where the model was drawn on an image of another size or turned around x."""
        if model.flags & ROTATED_ABOUT_X:
            raise CellmlError(f"{model.name!r} was saved with the image turned by 90° around x; turn it back in 3dmod and save it again.")
        z, y, x = (int(size) for size in shape)
        ox, oy, oz = model.offset
        whole = model.offset == (0.0, 0.0, 0.0) and all(size > 0 for size in model.size)
        sizes = [(x, y, z), (x, z, y)] if model.flipped else [(x, y, z)]
        if whole and tuple(model.size) not in sizes:
            raise CellmlError(
                f"{model.name!r} was drawn on an image of {' × '.join(map(str, model.size))} pixels (x × y × z), but this one has "
                f"{x} × {y} × {z}; give the image that it was drawn on."
            )
        return cls((y, z, x), (ox, oz, oy), True) if model.flipped else cls((z, y, x), (ox, oy, oz), False)


def contours_to_labels(
    model: ImodModel, shape: Sequence[int], spacing: Triple, *, origin: Triple = (0.0, 0.0, 0.0), bridge: int = 0, kind: str = "instance"
) -> tuple[Labels, tuple[str, ...]]:
    """Fill the closed contours of a model, section by section.

    model: as read; shape, spacing, origin: (z, y, x) of the image, nm; bridge: gaps of at most so many untraced sections within an object
    are filled by shape-based interpolation; kind: of the labels. Within an object nested contours are holes (see `nested_mask`); where
    objects overlap the later one lies on top. Returns the labels and what was left out or cut, in words.

    Raises CellmlError for an image of another size, a contour outside the image or across sections, and a model without closed contours.
    """
    drawing = Drawing.of(model, shape)
    said: Counter[str] = Counter()
    objects = {number: _polygons(thing, number, drawing, said) for number, thing in enumerate(model.objects, 1)}
    if not any(objects.values()):
        left = f" (it has {_listed(said)})" if said else ""
        raise CellmlError(f"{model.name!r} has no closed contour of at least three points{left}; only closed contours can be filled.")
    data = np.zeros(drawing.shape, np.min_scalar_type(len(model.objects)))
    pixel = (spacing[0], spacing[2]) if drawing.flipped else (spacing[1], spacing[2])
    for number, polygons in objects.items():
        _fill(data, number, polygons, bridge, pixel, said)
    data = np.ascontiguousarray(np.swapaxes(data, 0, 1)) if drawing.flipped else data
    names = {number: thing.name for number, thing in enumerate(model.objects, 1) if thing.name and objects[number]}
    labels = Labels(data, spacing, origin, kind=kind, names=names, name=model.name)
    return labels, tuple(f"{count} {what}" for what, count in said.items() if count)


def _polygons(thing: ImodObject, number: int, drawing: Drawing, said: Counter[str]) -> Polygons:
    """The closed contours of an object by section, (N, 2) rows and columns of pixel centres."""
    if thing.kind != "closed":
        said[f"{thing.kind} contours"] += len(thing.contours)
        return {}
    found: Polygons = defaultdict(list)
    for index, contour in enumerate(thing.contours, 1):
        if contour.open or len(contour.points) < 3:
            said["open contours" if contour.open else "contours of fewer than three points"] += 1
            continue
        where = f"Contour {index} of object {number}{f' ({thing.name})' if thing.name else ''}"
        section, polygon, cut = _in_image(contour, drawing, where)
        said["contours cut at the border of the image"] += cut
        found[section].append(polygon)
    return dict(found)


def _in_image(contour: ImodContour, drawing: Drawing, where: str) -> tuple[int, NDArray[np.float64], bool]:
    """Section, polygon in rows and columns of pixel centres, and whether it reaches beyond the image."""
    x, y, z = (contour.points.astype(np.float64) + drawing.offset).T
    section = float(np.mean(z))
    if np.abs(z - section).max() > _OFF_PLANE:
        raise CellmlError(
            f"{where} runs through the sections {z.min():g} to {z.max():g}; only contours within one section can be filled. "
            "Make it open, or draw it anew."
        )
    sections, rows, columns = drawing.shape
    number = int(np.floor(section + 0.5))
    outside = number < 0 or number >= sections or x.max() <= 0 or y.max() <= 0 or x.min() >= columns or y.min() >= rows
    if outside:
        raise CellmlError(
            f"{where} lies outside the image: x {x.min():g} to {x.max():g}, y {y.min():g} to {y.max():g}, section {section:g}, "
            f"but the image has {columns} × {rows} pixels and {sections} sections. Was it drawn on another image?"
        )
    cut = x.min() < 0 or y.min() < 0 or x.max() > columns or y.max() > rows
    return number, np.stack([y - 0.5, x - 0.5], axis=1), bool(cut)


def _fill(
    data: NDArray[np.unsignedinteger], number: int, polygons: Polygons, bridge: int, pixel: tuple[float, float], said: Counter[str]
) -> None:
    """Write one object into the drawing's frame, within the box of all its contours."""
    if not polygons:
        return
    points = np.concatenate([polygon for section in polygons.values() for polygon in section])
    low = np.maximum(np.floor(points.min(axis=0)).astype(int) - _MARGIN, 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + _MARGIN + 1, data.shape[1:])
    box = (slice(low[0], high[0]), slice(low[1], high[1]))
    shape = (int(high[0] - low[0]), int(high[1] - low[1]))
    traced = {section: nested_mask([p - low for p in found], shape) for section, found in polygons.items()}
    shapes = bridged(traced, bridge, pixel)
    said["sections interpolated"] += len(shapes) - len(traced)
    for section, mask in shapes.items():
        said["voxels that two objects claim"] += int((data[section][box][mask] > 0).sum())
        data[section][box][mask] = number


def _listed(said: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in said.items())


def labels_to_contours(labels: Labels, *, tolerance: float = 0.0) -> ImodModel:
    """One object for each label, one closed contour around each of its shapes and holes in each section.

    tolerance: largest distance in pixels by which points almost on a line are dropped; with 0 the labels come back voxel for voxel. The
    pixel size is that along x; 3dmod knows none along y. Objects are numbered without gaps, label order kept, and named after the label.
    Raises CellmlError for labels that are all 0 and a negative tolerance.
    """
    from scipy.ndimage import find_objects

    if tolerance < 0:
        raise CellmlError(f"tolerance={tolerance}: give a distance in pixels, 0 or more.")
    numbers = np.unique(labels.data[labels.data > 0])
    if not numbers.size:
        raise CellmlError(f"{labels.name!r} holds no label above 0, so there is nothing to draw around.")
    compact = np.searchsorted(numbers, labels.data).astype(np.int64) + 1
    compact[labels.data == 0] = 0
    objects = []
    for index, box in enumerate(find_objects(compact)):
        name = labels.names.get(int(numbers[index]), f"label {numbers[index]}")
        objects.append(ImodObject(_contours(compact[box] == index + 1, box, tolerance), name, _colour(index)))
    z, y, x = labels.shape
    sz, _, sx = labels.spacing
    return ImodModel(tuple(objects), size=(x, y, z), name=labels.name, pixel_size=sx, unit=-9, z_scale=sz / sx)


def _contours(mask: NDArray[np.bool_], box: tuple[slice, ...], tolerance: float) -> tuple[ImodContour, ...]:
    first, row, column = (part.start for part in box)
    found = []
    for section, inside in enumerate(mask, first):
        for polygon in mask_polygons(inside, tolerance) if inside.any() else ():
            y, x = polygon.T
            points = np.stack([x + column + 0.5, y + row + 0.5, np.full(len(x), section)], axis=1)
            found.append(ImodContour(points.astype(np.float32)))
    return tuple(found)


def _colour(index: int) -> tuple[float, float, float]:
    """Hues a golden ratio apart: neighbours differ, and none repeats."""
    return colorsys.hsv_to_rgb((0.33 + index * 0.618034) % 1.0, 0.75, 1.0)
