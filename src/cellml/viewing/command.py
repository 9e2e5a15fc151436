"""The verb `view`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from cellml.errors import CellmlError


def view_files(
    input: str | Path | None = None,
    *,
    labels: str | Sequence[str] = (),
    uncertainty: str | Sequence[str] = (),
    meshes: str | Sequence[str] = (),
    output: str | Path = "view",
    viewer: Literal["auto", "napari", "neuroglancer"] = "auto",
    serve: bool = False,
    port: int = 8765,
    url: str | None = None,
    spacing_nm: Sequence[float] | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Show an image with labels, uncertainty and meshes: in a napari window, or as a folder that Neuroglancer opens.

    input: an image; labels, uncertainty, meshes: one file or several, .vtu and the like or surfaces for the last; output: folder of the
    view for a browser; viewer: auto takes napari where it is installed and there is a display; serve: keep serving the folder on this
    machine until Ctrl-C (with nothing else given: a folder that is there); port: to serve from; url: where the folder will be served from
    instead; spacing_nm: voxel size (z, y, x) of files that do not say it; overwrite: replace an older view.

    Returns the viewer used, names of layers, and for a browser the folder and the link. Raises CellmlError where nothing is given, where
    files cannot be read, and where the folder is taken.
    """
    from cellml.viewing.folder import MARK, require_folder, served_state, write_view
    from cellml.viewing.napari_window import fill_viewer, napari_missing, open_viewer
    from cellml.viewing.server import serve as serve_folder
    from cellml.viewing.state import link

    if not 1 <= port <= 65535:
        raise CellmlError(f"port={port} must be a number from 1 to 65535, such as 8765.")
    folder, named = Path(output), [_list(labels), _list(uncertainty), _list(meshes)]
    if input is None and not any(named):
        if serve and (folder / MARK).is_file():
            address = link(served_state(folder, f"http://127.0.0.1:{port}"))
            print(f"Open\n{address}")
            serve_folder(folder, port)
            return {"viewer": "neuroglancer", "output": str(folder), "link": address}
        raise CellmlError("There is nothing to show: give input=IMAGE, labels=…, uncertainty=… or meshes=…")
    missing = napari_missing()
    if viewer == "napari" and missing:
        raise CellmlError(f"No napari window can be opened here: {missing}. Leave viewer=napari out for a view in a browser.")
    in_window = missing is None and viewer != "neuroglancer"
    if not in_window:
        require_folder(folder, overwrite)
    with ExitStack() as stack:
        layers = _opened(stack, input, *named, spacing_nm=spacing_nm)
        if in_window:
            window = open_viewer()
            fill_viewer(window, **layers)
            import napari

            napari.run()
            return {"viewer": "napari", "layers": [layer.name for layer in window.layers]}
        state = write_view(folder, **layers, url=url or f"http://127.0.0.1:{port}")
    address = link(state)
    names = [layer["name"] for layer in state["layers"]]
    print(f"{folder}: {', '.join(names)}. {'Open' if serve else 'Serve it with serve=true and open'}\n{address}")
    if serve:
        serve_folder(folder, port)
    return {"viewer": "neuroglancer", "layers": names, "output": str(folder), "link": address}


def _opened(
    stack: ExitStack,
    input: str | Path | None,
    labels: Sequence[str],
    uncertainty: Sequence[str],
    meshes: Sequence[str],
    *,
    spacing_nm: Sequence[float] | None,
) -> dict[str, Any]:
    """Everything that is to be shown, opened. Names of layers are those of the files, numbered where two are alike."""
    from cellml.data.references import resolve
    from cellml.io import open_image
    from cellml.viewing.meshes import read_surfaces

    taken: set[str] = set()

    def named(spec: str, usual: str) -> tuple[str, Any]:
        source = stack.enter_context(
            open_image(resolve(spec, "labels" if usual == "labels" else "image")[0], spacing_nm=spacing_nm, usual=usual)
        )
        return _free(_plain(spec, source.name), taken), source

    image = None if input is None else named(str(input), "raw")[1]
    found = [named(spec, "labels") for spec in labels]
    for spec, (_, source) in zip(labels, found, strict=True):
        if source.dtype.kind not in "iub" or "C" in source.axes:
            raise CellmlError(
                f"{spec} holds {source.dtype} with axes {source.axes}; labels are whole numbers (Z, Y, X). Show it as input=…"
            )
    return {
        "image": image,
        "labels": found,
        "uncertainty": [named(spec, "raw") for spec in uncertainty],
        "surfaces": [surface for path in meshes for surface in read_surfaces(path)],
    }


def _list(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _plain(spec: str, name: str) -> str:
    """A name that may stand in an address and in a path."""
    text = name or Path(spec).name.split(".")[0]
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in text) or "layer"


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken or free in ("volume", "meshes", "properties"):
        free, number = f"{name}_{number}", number + 1
    taken.add(free)
    return free
