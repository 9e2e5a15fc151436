"""The verb `cellml check`: the data set doctor on files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellml.data.doctor import findings, refuse_fatal
from cellml.data.finding import Finding, in_order_of_harm
from cellml.data.mesh_check import check_mesh, is_mesh_file
from cellml.data.slabs import Opened
from cellml.data.split_findings import split_findings
from cellml.data.surface_check import check_surface, is_surface_file
from cellml.data.tilt_check import check_tilts
from cellml.errors import CellmlError, FileError
from cellml.io.tilt_kind import is_tilt_series

if TYPE_CHECKING:
    from rich.console import Console

    from cellml.io import ImageSource
    from cellml.types import Triple

_SPACING_ASSUMED = Finding(
    "warning",
    "The labels state no voxel size; that of the image was taken",
    "",
    "Store it in the file, so that they cannot be mistaken for labels of another block.",
)
_COLOUR = {"fatal": "bold red", "warning": "yellow", "note": "cyan"}


def check_file(data: Mapping[str, Any], output: str | None = None) -> list[Finding]:
    """Print what is wrong with an image file and its labels, a tilt series, a mesh or a surface, in order of harm and with a remedy each.

    data: path, an image, a known data set's name, a tilt series (`cellml.data.tilt_check`), a file of triangles, or one of tetrahedra,
    whose certificate is printed too; labels, a label file of it or None (for a mesh a label file or a surface that it was made of);
    spacing_nm, the voxel size (z, y, x) in nm where the files do not say it, or None; classes, names of labels 0, 1, … or None; ignore,
    numbers of unlabelled voxels; train, val, guard, as in training, to have the split checked too. output: also a JSON file of the
    findings. Returns the findings. Raises CellmlError if one of them is fatal, FileError if a file cannot be read at all.
    """
    from rich.console import Console

    from cellml.io import write_json

    if output is not None and Path(output).suffix != ".json":
        raise CellmlError(f"output={output}: findings are written as JSON; give a name that ends in .json.")
    found = _checked(data, Console())
    if output is not None:
        write_json(output, [asdict(finding) for finding in found])
    refuse_fatal(str(data["path"]), found)
    return found


def _checked(data: Mapping[str, Any], console: Console) -> list[Finding]:
    """Look, and print what was found."""
    from cellml.data.references import resolve

    path, labels, spacing_nm = data["path"], data.get("labels"), data.get("spacing_nm")
    if is_mesh_file(path) or is_surface_file(path):
        found = check_mesh(path, labels, spacing_nm, console) if is_mesh_file(path) else check_surface(path, console)
        _list(console, found)
        return found
    if is_tilt_series(path):
        found = check_tilts(path, spacing_nm, console)
        _list(console, found)
        return found
    with ExitStack() as stack, console.status("Looking at every voxel"):
        path, labels = resolve(str(path), "image")[0], None if labels is None else resolve(str(labels), "labels")[0]
        image, missing = _open(path, spacing_nm, "raw", placeholder=(1.0, 1.0, 1.0))
        truth, found = None, [_unknown_spacing(missing)] if missing else []
        if labels is not None:
            truth, missing_too = _open(labels, spacing_nm, "labels", placeholder=image.spacing)
            stack.callback(truth.close)
            if missing_too and not missing:
                found.append(_SPACING_ASSUMED)
            if missing and not missing_too:
                image.close()
                image, _ = _open(path, None, "raw", placeholder=truth.spacing)
        stack.callback(image.close)
        found += findings(image, truth, data.get("classes"), data.get("ignore"))
        if data.get("train") and labels is not None:
            found += split_findings({**data, "spacing_nm": spacing_nm or list(image.spacing)})
        found = in_order_of_harm(found)
    _report(console, str(data["path"]), image, found, known_spacing=missing is None)
    return found


def _open(path: Any, spacing_nm: Sequence[float] | None, usual: str, *, placeholder: Triple) -> tuple[ImageSource, str | None]:
    """The opened image; where only its voxel size is missing, it is opened with the placeholder, and the reason is returned beside it."""
    from cellml.io import open_image

    try:
        return open_image(path, spacing_nm=spacing_nm, usual=usual), None
    except FileError:
        raise
    except CellmlError as error:
        if spacing_nm is not None:
            raise
        return open_image(path, spacing_nm=placeholder, usual=usual), str(error)  # raises again if it was not the voxel size


def _unknown_spacing(reason: str) -> Finding:
    where = reason.split(": ")[-1].split(". ")[0]
    return Finding("fatal", "The voxel size is not known", where, "Pass it as data.spacing_nm=[z,y,x] in nm, or store it in the file.")


def _report(console: Console, name: str, image: Opened, found: Sequence[Finding], *, known_spacing: bool) -> None:
    size, spacing = (" × ".join(f"{value:g}" for value in values) for values in (image.shape, image.spacing))
    console.print(
        f"{name}: {size} voxels of {f'{spacing} nm' if known_spacing else 'unknown size'} (z, y, x), {image.dtype}", highlight=False
    )
    _list(console, found)


def _list(console: Console, found: Sequence[Finding]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for number, finding in enumerate(found, start=1):
        where = f" ({finding.where})" if finding.where else ""
        title = Text.assemble(f"{number}. ", (finding.severity, _COLOUR[finding.severity]), f"  {finding.what}{where}")
        console.print(title)
        console.print(Padding(Text(finding.remedy), (0, 0, 0, 4)))
    if not found:
        console.print("Nothing wrong was found.")
