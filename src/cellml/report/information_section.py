"""What was measured and what was inferred, in the report: information maps, and the objects that they were carried into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.errors import CellmlError
from cellml.report.comparison_tables import percent
from cellml.report.information_figure import Cut, map_figure, objects_figure, spectrum_figure
from cellml.report.markup import Html, details, escape, picture, table
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.slices import Plane
from cellml.tomography.inferred_objects import InferredObject, read_inferred_objects
from cellml.tomography.information_record import PATTERN, MapRecord, ObjectsRecord, read_record
from cellml.types import Triple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_ROWS = 500


def information_section(run: RunFolder) -> Html:
    """Every information map below a run folder with the objects it was carried into, then objects whose map has no record here.

    Raises AbsentError without any, FileError for a record of another kind.
    """
    records = [read_record(path) for path in sorted(run.path.rglob(PATTERN))]
    if not records:
        raise AbsentError
    maps = [r for r in records if isinstance(r, MapRecord)]
    objects = [r for r in records if isinstance(r, ObjectsRecord)]
    parts = []
    for record in maps:
        parts += [_map(record), *(_objects(one) for one in objects if _same(one.map, record.map))]
    parts += [_objects(one) for one in objects if not any(_same(one.map, record.map) for record in maps)]
    return Html("".join(parts))


def _map(record: MapRecord) -> Html:
    angles = f"{len(record.tilts)}, from {min(record.tilts):g}° to {max(record.tilts):g}°"
    facts = [
        ("energy that was inferred", percent(record.inferred_share)),
        ("energy where nothing was measured", percent(record.unmeasured_share)),
        ("tilts", angles),
        ("counted as measured", record.weighting),
        ("repairs", "one" if record.members == 1 else f"the mean of {record.members}"),
        ("window of the map (standard deviation)", " × ".join(f"{w:g}" for w in record.window_nm) + " nm (z × y × x)"),
    ]
    lines = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in facts)
    fourier = picture(
        spectrum_figure(record.spectrum, record.tilts),
        alt="Share of energy that was inferred, in Fourier space",
        caption=(
            "Left: energy in the plane across the tilt axis, summed along it, up to the Nyquist frequency; dashed: first and last tilt. "
            "Middle and right: the same by direction and by frequency. Blue: what the repair put in; dashed: the part of it where no "
            "measurement had a weight."
        ),
    )
    return Html(
        f"<h3>{escape(Path(record.map).name)}: {escape(Path(record.volume).name)}</h3>"
        f'<div class="scroll"><table class="facts"><tbody>{lines}</tbody></table></div>{fourier}{_drawn(lambda: _map_picture(record))}'
    )


def _map_picture(record: MapRecord) -> Html:
    cuts, shape, spacing = _cuts(share=record.map, image=record.volume, deviation=record.deviation)
    caption = (
        "Above: across the optical axis; below: across the tilt axis, where the missing wedge shows. A voxel is never simply measured: the "
        "share is that of the energy around it that the repair put in. Near the faces it also holds the jump from one face to the opposite "
        "one, as the Fourier transform takes a volume for periodic."
    )
    caption += " Where repairs agree they may still have been trained to believe the same." if record.deviation else ""
    return picture(
        map_figure(cuts, shape, spacing), alt="Slices of the repaired volume and the share that was inferred", caption=caption, vector=False
    )


def _objects(record: ObjectsRecord) -> Html:
    objects = read_inferred_objects(record.table)
    marked = [one for one in objects if one.mostly_inferred]
    said = (
        f"{len(marked)} of {len(objects)} objects rest mostly on inferred structure: their mean inferred share is above {record.limit:g}, "
        "over all their voxels or over those at their boundary, which decide their shape."
    )

    def figure() -> Html:
        cuts, shape, spacing = _cuts(share=record.map, labels=record.labels)
        shares = {one.label: one.inferred_share for one in objects}
        drawn: Figure = objects_figure(cuts, shares, [one.label for one in marked], shape, spacing)
        caption = "Each object has the colour of its mean inferred share; a bold vermillion outline marks those that are mostly inferred."
        return picture(drawn, alt="Objects by the share of them that was inferred", caption=caption, vector=False)

    rows = details(f"Objects of {Path(record.labels).name}", _table(objects), opened=len(objects) <= 16)
    return Html(f"<h3>{escape(Path(record.labels).name)}</h3><p>{escape(said)}</p>{_drawn(figure)}{rows}")


def _table(objects: Sequence[InferredObject]) -> Html:
    """The objects with most inferred structure first."""
    spread = any(one.deviation == one.deviation for one in objects)
    header = ["object", "mostly inferred", "voxels", "inferred share", "at the boundary", *(["deviation (grey values)"] if spread else [])]
    order = sorted(objects, key=lambda one: (not one.mostly_inferred, -one.inferred_share))
    rows = [
        [str(one.label), "yes" if one.mostly_inferred else "", one.voxels, percent(one.inferred_share), percent(one.boundary_share)]
        + ([one.deviation] if spread else [])
        for one in order[:_MOST_ROWS]
    ]
    caption = f"The first {_MOST_ROWS} of {len(objects)}; the CSV table has all." if len(objects) > _MOST_ROWS else ""
    return table(header, rows, caption=caption, text_columns=2)


def _drawn(draw: Callable[[], Html]) -> Html:
    """A picture, or the reason why files that it needs cannot be shown: the numbers beside it need not go with it."""
    try:
        return draw()
    except CellmlError as error:
        return Html(f"<p>Not drawn: {escape(error)}</p>")


def _cuts(**files: str) -> tuple[list[Cut], tuple[int, ...], Triple]:
    """The middle planes across z and across y of files by the names that `Cut` has for them, empty names left out; the first, a map, knows
    the voxel size of all.
    """
    from cellml.io import open_image

    found: list[dict[str, Any]] = [{}, {}]
    shape: tuple[int, ...] = ()
    spacing: Triple | None = None
    for name, file in files.items():
        if not file:
            continue
        with open_image(file, spacing_nm=spacing, usual="labels" if name == "labels" else "raw") as opened:
            if shape and tuple(opened.shape[-3:]) != shape:
                raise CellmlError(f"{file} has shape {tuple(opened.shape[-3:])}, the files before it {shape}; they are not of one volume.")
            shape, spacing = tuple(opened.shape[-3:]), opened.spacing
            for cut, plane in zip(found, _planes(shape), strict=True):
                region = tuple(slice(plane.index, plane.index + 1) if axis == plane.axis else slice(0, n) for axis, n in enumerate(shape))
                cut[name] = opened.read(region).reshape([n for axis, n in enumerate(shape) if axis != plane.axis])
    return [Cut(plane, **cut) for plane, cut in zip(_planes(shape), found, strict=True)], shape, spacing or (1.0, 1.0, 1.0)


def _planes(shape: Sequence[int]) -> tuple[Plane, Plane]:
    return Plane(0, shape[0] // 2), Plane(1, shape[1] // 2)


def _same(one: str, other: str) -> bool:
    return Path(one).resolve() == Path(other).resolve()
