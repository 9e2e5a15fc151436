"""The verb `export`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    pass

Target = Literal["fenicsx", "smart", "steps", "mcell", "vcell"]
MARK = "README.txt"


def export_files(
    mesh: str | Path, model: str | Path, to: Target, output: str | Path, *, voxels: int = 100, overwrite: bool = False
) -> Path:
    """Write a model on a mesh as a folder for another program; returns the folder.

    mesh: a file that `cellml.io.read_mesh` knows, lengths in nm; model: a model file, or the name of a shipped model; to: the program;
    output: a folder that does not exist or is empty; voxels: along the longest axis of the image that VCell gets in place of the mesh;
    overwrite: replace an older export. README.txt in the folder says how to run it, in which units, and what was not carried over.

    Raises FileError for files that cannot be read and an output that is taken, and SimulationError, with file and line of the model, for
    what the program cannot express; nothing has been written then.
    """
    from cellml.io import read_mesh
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    require_free(output, overwrite=overwrite)
    folder = export_model(read_mesh(mesh), load_model(find_model(model)), to, output, voxels=voxels, overwrite=overwrite)
    print(f"The export for {to} is in {folder}; {folder / MARK} says how to run it.")
    return folder


def export_model(mesh: Any, model: Any, to: Target, output: str | Path, *, voxels: int = 100, overwrite: bool = False) -> Path:
    """As `export_files`, with a TetMesh and a Model. The folder appears only when it is complete."""
    from cellml.io import atomic_path
    from cellml.sim.exports.located import locate

    require_free(output, overwrite=overwrite)
    located = locate(mesh, model)
    write: Callable[..., None] = getattr(import_module(f"cellml.sim.exports.{to}"), f"write_{to}")
    more = {"voxels": voxels} if to == "vcell" else {}
    with atomic_path(output) as aside:
        aside.mkdir()
        write(located, aside, **more)
    return Path(output)


def require_free(output: str | Path, *, overwrite: bool) -> None:
    """Raise FileError unless an export may be written there: nothing, an empty folder, or, with overwrite, an older export."""
    from cellml.errors import FileError

    target = Path(output)
    if not target.exists():
        return
    if not target.is_dir():
        raise FileError(f"{target} is a file; output is the folder of the export.")
    present = {path.name for path in target.iterdir()}
    if present and not overwrite:
        raise FileError(
            f"{target} is not empty ({len(present)} files); choose another folder, or replace an older export with overwrite=true."
        )
    if present and MARK not in present:
        raise FileError(f"{target} has no {MARK}, so it is no export and is not replaced; choose another folder.")
