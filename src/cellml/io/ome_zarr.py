"""OME-Zarr folders: 0.4 in Zarr format 2 and 0.5 in Zarr format 3; bare Zarr arrays with the attributes of HDF5 are read too."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cellml.errors import CellmlError, FileError
from cellml.io.attribute_frame import attribute_frame
from cellml.io.formats import check_folder, stored_as
from cellml.io.header import ImageHeader, Stored, WritableArray
from cellml.io.location import Location, pick
from cellml.io.ome_metadata import multiscale_of, ome_attributes, ome_frame

FORM = "OME-Zarr"
OPTIONS = ("version",)
_CHUNK = 128
_METADATA = ("zarr.json", ".zgroup", ".zarray", ".zattrs", ".zmetadata")


@contextmanager
def open_stored(location: Location, usual: str) -> Iterator[Stored]:
    """Open level 0 of a multiscale image, the level or array that is named, or the only array of the store."""
    import zarr

    from cellml.io.own_store import OwnStore

    if not is_store(location.path):
        raise FileError(f"{location.path} is no Zarr store: it has none of {', '.join(_METADATA[:3])} inside.")
    root = zarr.open(OwnStore(location.path), mode="r")
    if isinstance(root, zarr.Array):
        if location.member is not None:
            raise FileError(f"{location.path} is one array, so {location.member!r} names nothing in it; leave the name out.")
        yield Stored(header_of(root, attribute_frame([root.attrs.asdict()])), root)
        return
    yield _in_group(root, location, usual)


def check_target(location: Location, header: ImageHeader, *, version: str | None = None) -> ImageHeader:
    """Any number type and axes fit. A store is replaced, or added to where an image in it is named; other folders are left alone."""
    if version not in (None, "0.4", "0.5"):
        raise CellmlError(f"version={version!r} of {location}: cellml writes OME-Zarr 0.4 and 0.5.")
    check_folder(location, ours=is_store)
    if location.member is not None and not set(location.member.split("/")).isdisjoint({"..", "."}):
        raise FileError(f"{location} is no name inside a store; leave out the dots.")
    if location.member is not None and is_store(location.path):
        found = _version(location.path)
        if version not in (None, found):
            raise FileError(f"{location.path} is OME-Zarr {found}, and a store holds one version; write version={version} to a new folder.")
    return stored_as(header, np.dtype("u1") if header.dtype == np.bool_ else header.dtype)


@contextmanager
def create(aside: Path, location: Location, header: ImageHeader, *, version: str | None = None) -> Iterator[WritableArray]:
    """A group with one level, compressed in chunks, added to a copy of the store where an image in it is named."""
    import zarr

    member = (location.member or "").strip("/")
    adding = bool(member) and is_store(location.path)
    if adding:
        _copy_store(location.path, aside, member)
    version = version or (_version(location.path) if adding else "0.5")
    root = zarr.open_group(aside, mode="a", zarr_format=_format(version))
    group = root.require_group(member) if member else root
    array = add_level(group, header, [_CHUNK] * 3, version=version)
    if member.startswith("labels/"):
        _list_label(root["labels"], member.removeprefix("labels/"), version)
    yield array


def add_level(group: Any, header: ImageHeader, chunks: Sequence[int], *, version: str = "0.5") -> Any:
    """Make array "0" of a group, with the attributes of a multiscale image of one level; chunks: at most so many voxels (z, y, x)."""
    sizes = dict(zip("ZYX", chunks, strict=True))
    array = group.create_array(
        "0",
        shape=header.shape,
        chunks=tuple(min(size, sizes.get(axis, 1)) for size, axis in zip(header.shape, header.axes, strict=True)),
        dtype=header.dtype,
        fill_value=0,
        chunk_key_encoding={"name": "default" if version == "0.5" else "v2", "separator": "/"},
        dimension_names=list(header.axes.lower()) if version == "0.5" else None,
    )
    group.attrs.update(ome_attributes(header, version=version))
    return array


def _format(version: str) -> Literal[2, 3]:
    return 2 if version == "0.4" else 3


def is_store(folder: Path) -> bool:
    """Whether a folder is the root of a Zarr store."""
    return any((folder / name).is_file() for name in _METADATA)


def _in_group(root: Any, location: Location, usual: str) -> Stored:
    import zarr

    groups = {"": root, **{path: node for path, node in root.members(max_depth=None) if isinstance(node, zarr.Group)}}
    images = {path: scale for path, node in groups.items() if (scale := multiscale_of(node.attrs.asdict()))}
    levels = {f"{path}/{one['path']}".strip("/"): (path, i) for path, scale in images.items() for i, one in enumerate(scale["datasets"])}
    chosen = _choose(root, images, levels, location, usual)
    if chosen in images:
        chosen = f"{chosen}/{images[chosen]['datasets'][0]['path']}".strip("/")
    array = root.get(chosen)
    if not isinstance(array, zarr.Array):
        raise FileError(f"{location.path} is damaged: its metadata names the array {chosen!r}, which is not there.")
    if chosen in levels:
        path, level = levels[chosen]
        return Stored(header_of(array, ome_frame(groups[path].attrs.asdict(), images[path], level)), array)
    parents = [groups[path] for path in sorted(groups, key=len, reverse=True) if f"{chosen}/".startswith(f"{path}/") or not path]
    return Stored(header_of(array, attribute_frame([array.attrs.asdict(), *(group.attrs.asdict() for group in parents)])), array)


def _choose(root: Any, images: dict[str, Any], levels: dict[str, Any], location: Location, usual: str) -> str:
    """The path of the image or array to open."""
    import zarr

    if location.member is None and "" in images:
        return ""
    arrays = [path for path, node in root.members(max_depth=None) if isinstance(node, zarr.Array) and path not in levels]
    if location.member is not None and location.member.strip("/") in levels:
        return location.member.strip("/")
    return pick(location, sorted([*(path for path in images if path), *arrays]), usual)


def header_of(array: Any, frame: dict[str, Any]) -> ImageHeader:
    """The header of a Zarr array, with what is known of its frame. Raises FileError for chunks of no voxels."""
    if 0 in array.chunks and 0 not in array.shape:
        raise FileError(f"{array.store} is damaged: its chunks have {array.chunks} voxels, none. Fetch or make it again.")
    return ImageHeader(tuple(array.shape), np.dtype(array.dtype), **frame)


def _version(folder: Path) -> str:
    return "0.5" if (folder / "zarr.json").is_file() else "0.4"


def _copy_store(store: Path, aside: Path, member: str) -> None:
    """Copy a store without the image that is to be replaced; chunks, which are never changed in place, by hard links.

    Symbolic links stay links: what they lead to is not copied in.
    """
    replaced = store / member

    def ignore(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder) / name == replaced]

    shutil.copytree(store, aside, symlinks=True, ignore=ignore, copy_function=_link)


def _link(source: str, target: str) -> None:
    if Path(source).name in _METADATA:
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)


def _list_label(labels: Any, name: str, version: str) -> None:
    """Name a label image in the list that the group `labels` keeps."""
    attributes = labels.attrs.asdict()
    holder = dict(attributes.get("ome", {})) if version == "0.5" else attributes
    names = [*holder.get("labels", []), *([name] if name not in holder.get("labels", []) else [])]
    labels.attrs.update({"ome": {**holder, "version": version, "labels": names}} if version == "0.5" else {"labels": names})
