"""The verb `annotate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError


def annotate_file(
    input: str | Path,
    labels: str | Path,
    *,
    classes: Sequence[str] = ("background", "object"),
    session: str | Path | None = None,
    scales_nm: Sequence[float] = (10.0, 20.0, 40.0, 80.0),
    region: Sequence[Sequence[int] | None] | None = None,
    autosave: int = 20,
    spacing_nm: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Scribble classes, watch a random forest learn them, and proofread objects, in a napari window; or resume where one was left.

    input: an image; labels: objects to begin with, if the file is there, and where the result is written; scribbles are written beside
    it as NAME_scribbles, and what was accepted or rejected as NAME.csv; classes: names, background first; session: folder of the log
    and the state, None for the labels' name with .session; scales_nm: of the pixel features; region: [[z0, z1], [y0, y1], [x0, x1]]
    of the image, null for all of an axis, with labels that are as large as the region; autosave: edits between two savings;
    spacing_nm: (z, y, x) where the image does not say it.

    Returns, once the window is closed, the edits by kind, seconds of work and voxels. Raises CellmlError as `AnnotationSession` does, and
    where another window has the session open.
    """
    from cellml.annotation.view import open_window, require_napari
    from cellml.io.alone import alone_in

    require_napari()
    with alone_in(session_folder(labels, session)):
        made = open_session(input, labels, classes, session, scales_nm, region, autosave, spacing_nm)
        open_window(made, labels)
        import napari

        napari.run()
        made.save(labels)
    cost = made.cost()
    print(f"{labels}: {cost}.")
    return {"edits": dict(cost.edits), "undone": cost.undone, "seconds": cost.seconds, "voxels": cost.voxels, "session": str(made.folder)}


def session_folder(labels: str | Path, session: str | Path | None) -> Path:
    """Where the log and the state of a session are: `session`, or the labels' name with .session."""
    return Path(session) if session is not None else Path(labels).with_name(f"{Path(labels).name.split('.')[0]}.session")


def open_session(
    input: str | Path,
    labels: str | Path,
    classes: Sequence[str],
    session: str | Path | None,
    scales_nm: Sequence[float],
    region: Sequence[Sequence[int] | None] | None,
    autosave: int,
    spacing_nm: Sequence[float] | None,
) -> Any:
    """The session that `annotate` shows; arguments and errors as there."""
    from cellml.annotation.candidates import decision_table, read_decisions
    from cellml.annotation.scribble_model import ScribbleForest
    from cellml.annotation.session import AnnotationSession
    from cellml.data.references import resolve
    from cellml.io import open_image, read_labels, read_volume
    from cellml.metrics.streams import common_frame

    if autosave < 1:
        raise CellmlError(f"autosave={autosave}: give the number of edits between two savings, 1 or more.")
    spec = resolve(str(input), "image")[0]
    with open_image(spec, spacing_nm=spacing_nm) as source:
        part = common_frame([spec], [source], region)
    volume = read_volume(spec, spacing_nm=spacing_nm, region=part)
    start = read_labels(labels, spacing_nm=spacing_nm) if Path(labels).exists() else None
    folder = session_folder(labels, session)
    table = decision_table(labels)
    decisions = read_decisions(table) if start is not None and table.exists() else None
    made = AnnotationSession(volume, folder, labels=start, decisions=decisions, classes=classes, autosave=autosave)
    # Made now, with the libraries that it loads, so that the first stroke does not wait for them.
    made.model = ScribbleForest(volume.data, volume.spacing, len(made.classes), scales_nm=scales_nm)
    return made
