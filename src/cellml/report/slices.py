"""Slices through a volume: image, truth, prediction, where they disagree, and the predicted boundaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.report.figure_style import figure_style, new_figure
from cellml.report.palette import VERMILLION, colour_overlay, label_colours
from cellml.types import Triple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AXES = "zyx"
_PIXELS = 420  # along the longer side of a panel: what a page can show


@dataclass(frozen=True)
class Plane:
    """A plane of a volume: `axis` (0 z, 1 y, 2 x) is constant at voxel `index`."""

    axis: int
    index: int

    def of(self, data: NDArray[Any]) -> NDArray[Any]:
        """The plane of an array (Z, Y, X) as (rows, columns); rows are z or y, columns y or x, in their order in the array."""
        return np.take(data, self.index, axis=self.axis)


def representative_planes(shape: Sequence[int], spacing: Triple) -> list[Plane]:
    """The three orthogonal planes through the middle of a block about as deep as wide, else three xy slices at 1/5, 1/2 and 4/5."""
    extents = np.asarray(shape) * np.asarray(spacing)
    if extents.min() >= 0.4 * extents.max():
        return [Plane(axis, shape[axis] // 2) for axis in range(3)]
    return [Plane(0, index) for index in sorted({shape[0] // 5, shape[0] // 2, (4 * shape[0]) // 5})]


def slices_figure(
    spacing: Triple,
    *,
    raw: NDArray[Any] | None = None,
    truth: NDArray[Any] | None = None,
    prediction: NDArray[Any] | None = None,
    boundary: NDArray[Any] | None = None,
    highlighted: Sequence[int] = (),
    planes: Sequence[Plane] | None = None,
    seed: int = 0,
) -> Figure:
    """A row of panels for each plane: whatever is given of raw, truth, prediction, truth against prediction, and boundary probability.

    All arrays are (Z, Y, X) of one shape, spacing is (z, y, x) in nm; boundary is a probability in bytes (0 to 255) or floats (0 to 1).
    Predicted objects take the colour of the truth object that they overlap most, so that equal colours mean agreement; `highlighted` truth
    labels get the colours that 3D views use. Raises CellmlError where shapes disagree or nothing is given.
    """
    given = {"raw": raw, "truth": truth, "prediction": prediction, "boundary": boundary}
    shape = _common_shape({name: array for name, array in given.items() if array is not None})
    panels = _panels(raw, truth, prediction, boundary, highlighted, seed)
    planes = representative_planes(shape, spacing) if planes is None else planes
    sizes = [physical_size(shape, spacing, plane) for plane in planes]
    with figure_style():
        panel = 11.5 / max(len(panels), 3)
        heights = [panel * h / max(w for _, w in sizes) for h, w in sizes]
        figure = new_figure(panel * len(panels), sum(heights) + 0.32 * len(planes))
        grid = figure.subplots(len(planes), len(panels), squeeze=False, gridspec_kw={"height_ratios": heights})
        for row, plane in enumerate(planes):
            for column, (title, draw) in enumerate(panels):
                axes = grid[row, column]
                show_plane(axes, draw(plane), shape, spacing, plane)
                axes.set_title(f"{title} · {position_text(plane, spacing)}" if column == 0 else title)
            scale_bar(grid[row, 0], *sizes[row])
    return figure


def nice_length(longest: float) -> float:
    """The largest of 1, 2, 5 × 10ⁿ that does not exceed `longest`."""
    power = 10.0 ** np.floor(np.log10(longest))
    return float(power * max(step for step in (1.0, 2.0, 5.0) if step * power <= longest * (1 + 1e-9)))


def length_text(nanometres: float) -> str:
    """A length in the unit that suits it: 500 nm, 2 µm, 1.5 mm."""
    for unit, size in (("mm", 1e6), ("µm", 1e3)):
        if nanometres >= size:
            return f"{nanometres / size:.4g} {unit}"
    return f"{nanometres:.4g} nm"


def matched_labels(truth: NDArray[Any], prediction: NDArray[Any]) -> NDArray[np.int64]:
    """The prediction renamed so that each object bears the number of the truth object it overlaps most, if it is that one's largest part.

    Other predicted objects take numbers past those of the truth. Shapes (Z, Y, X); 0 stays 0.
    """
    table = ContingencyTable.from_labels(truth, prediction)
    keep = (table.truth > 0) & (table.prediction > 0)
    pairs = sorted(zip(table.counts[keep], table.truth[keep], table.prediction[keep], strict=True), key=lambda p: (-p[0], p[1], p[2]))
    names: dict[int, int] = {}
    taken: set[int] = set()
    for _, true, predicted in pairs:
        # The largest overlap of this predicted object decides; a truth object's smaller parts keep colours of their own.
        if predicted not in names:
            names[predicted] = int(true) if true not in taken else -1
            taken.add(true)
    numbers, inverse = np.unique(prediction, return_inverse=True)
    offset = int(truth.max()) + 1
    renamed = [0 if n == 0 else (names.get(n, -1) if names.get(n, -1) > 0 else offset + int(n)) for n in numbers]
    return np.asarray(np.array(renamed, dtype=np.int64)[inverse].reshape(prediction.shape))


def _common_shape(given: dict[str, NDArray[Any]]) -> tuple[int, int, int]:
    shapes = {name: array.shape for name, array in given.items()}
    if not shapes or len(set(shapes.values())) != 1 or any(len(s) != 3 for s in shapes.values()):
        raise CellmlError(f"Slices need volumes (z, y, x) of one shape, got {shapes or 'none'}.")
    z, y, x = next(iter(shapes.values()))
    return (z, y, x)


def _panels(raw: Any, truth: Any, prediction: Any, boundary: Any, highlighted: Sequence[int], seed: int) -> list[tuple[str, Any]]:
    """Title of each panel, and the function that gives its picture (H, W, 3) of a plane."""
    panels: list[tuple[str, Any]] = []
    shown = prediction
    if truth is not None and prediction is not None:
        shown = matched_labels(truth, prediction)

    def grey(plane: Plane) -> NDArray[np.float64]:
        return contrast(plane.of(raw)) if raw is not None else np.full(plane.of(truth if truth is not None else shown).shape, 0.92)

    def overlay(labels: NDArray[Any], plane: Plane) -> NDArray[np.float64]:
        cut = plane.of(labels)
        return colour_overlay(
            grey(plane), cut, label_colours(np.unique(cut).tolist(), highlighted, seed=seed), 0.5 if raw is not None else 1.0
        )

    if raw is not None:
        panels.append(("image", lambda plane: np.repeat(grey(plane)[..., None], 3, axis=2)))
    if truth is not None:
        panels.append(("truth", lambda plane: overlay(truth, plane)))
    if shown is not None:
        panels.append(("prediction", lambda plane: overlay(shown, plane)))
    if truth is not None and shown is not None:

        def disagreement(plane: Plane) -> NDArray[np.float64]:
            differs = ((plane.of(truth) != plane.of(shown)) & (plane.of(truth) > 0)).astype(np.int64)
            return colour_overlay(grey(plane), differs, {1: VERMILLION}, 0.6)

        panels.append(("disagreement", disagreement))
    if boundary is not None:
        panels.append(("boundary probability", lambda plane: _cividis(plane.of(boundary))))
    return panels


def contrast(image: NDArray[Any]) -> NDArray[np.float64]:
    """Grey values between the first and 99th percentile mapped to [0, 1]."""
    low, high = np.percentile(image, (1, 99))
    return np.clip((image.astype(float) - low) / max(float(high - low), 1e-12), 0.0, 1.0)


def _cividis(values: NDArray[Any]) -> NDArray[np.float64]:
    from matplotlib import colormaps

    whole = 255.0 if np.issubdtype(values.dtype, np.integer) else 1.0
    return np.asarray(colormaps["cividis"](np.clip(values / whole, 0.0, 1.0))[..., :3])


def physical_size(shape: Sequence[int], spacing: Triple, plane: Plane) -> tuple[float, float]:
    """Height and width of a plane in nm."""
    rows, columns = (axis for axis in range(3) if axis != plane.axis)
    return (shape[rows] * spacing[rows], shape[columns] * spacing[columns])


def position_text(plane: Plane, spacing: Triple) -> str:
    """Where a plane lies: z = 500 nm."""
    return f"{_AXES[plane.axis]} = {length_text(plane.index * spacing[plane.axis])}"


def show_plane(axes: Axes, picture: NDArray[np.float64], shape: Sequence[int], spacing: Triple, plane: Plane) -> None:
    """Draw the picture (H, W, 3) of a plane in its physical size, rows downwards; shape, spacing: of the volume."""
    height, width = physical_size(shape, spacing, plane)
    step = max(1, max(picture.shape[:2]) // _PIXELS)
    axes.imshow(picture[::step, ::step], extent=(0.0, width, height, 0.0), interpolation="nearest", aspect="equal")
    axes.set_axis_off()


def scale_bar(axes: Axes, height: float, width: float) -> None:
    """Draw a bar of a round length in the lower left corner of a panel whose height and width are in nm."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    length = nice_length(0.35 * width)
    left, thickness = 0.05 * width, 0.022 * width
    top = height - 0.05 * width - thickness
    axes.add_patch(Rectangle((left, top), length, thickness, facecolor="white", edgecolor="black", linewidth=0.8))
    halo = [withStroke(linewidth=2.5, foreground="black")]
    text = axes.annotate(length_text(length), (left + length / 2, top), (0, 4), textcoords="offset points", ha="center", va="bottom")
    text.set(color="white", fontsize=8.5, fontweight="bold", path_effects=halo)
