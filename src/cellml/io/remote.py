"""OME-Zarr that stands on a server: https:// and s3:// stores, of which only the chunks that are asked for are fetched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.io.header import Stored
from cellml.io.location import Location

FORM = "OME-Zarr"
_SCHEMES = ("https", "http", "s3")
_URL = re.compile(rf"({'|'.join(_SCHEMES)})://", re.IGNORECASE)
_STORE = re.compile(r"(.*?\.zarr)(?:[:/]+(.*))?$", re.IGNORECASE)


@dataclass(frozen=True)
class RemoteLocation(Location):
    """url: of the store; path: its name, for messages; member: the array or image in it, None for the image of its root."""

    url: str = ""

    def __str__(self) -> str:
        return self.url if self.member is None else f"{self.url}:{self.member}"


def is_remote(spec: str | os.PathLike[str]) -> bool:
    """Whether a reference is an address on a server."""
    return _URL.match(os.fspath(spec)) is not None


def locate_remote(spec: str | os.PathLike[str]) -> RemoteLocation:
    """Split an address such as https://host/volume.zarr or s3://bucket/volume.zarr:labels/cells.

    Raises FileError for one that is not of a .zarr, or leads out of it.
    """
    text = os.fspath(spec)
    scheme, _, rest = text.partition("://")
    found = _STORE.match(rest)
    if found is None:
        raise FileError(f"{text} is not the address of a Zarr store: it must end in .zarr (and, for an image in it, :NAME).")
    member = (found[2] or "").strip("/") or None
    if member is not None and not {"..", "."}.isdisjoint(member.split("/")):
        raise FileError(f"{text} leads out of its store; leave out the dots.")
    return RemoteLocation(Path(found[1].rpartition("/")[2]), member, f"{scheme.lower()}://{found[1]}")


@contextmanager
def open_stored(location: RemoteLocation, usual: str) -> Iterator[Stored]:
    """As the other formats, from an address. Servers list no folders, so an image that is not the root's must be named."""
    import zarr

    from cellml.io.attribute_frame import attribute_frame
    from cellml.io.ome_metadata import multiscale_of, ome_frame
    from cellml.io.ome_zarr import header_of

    node = _node(location, location.member or "")
    if isinstance(node, zarr.Array):
        parent, _, level = (location.member or "").rpartition("/")
        group = _group_above(location, parent) if location.member else None
        scale = None if group is None else multiscale_of(group.attrs.asdict())
        number = _level(scale, level)
        if group is not None and scale is not None and number is not None:
            yield Stored(header_of(node, ome_frame(group.attrs.asdict(), scale, number)), node)
            return
        yield Stored(header_of(node, attribute_frame([node.attrs.asdict(), *([] if group is None else [group.attrs.asdict()])])), node)
        return
    attributes = node.attrs.asdict()
    scale = multiscale_of(attributes)
    if scale is None:
        raise FileError(f"{location} describes no multiscale image; name the image or array in it, as in {location.url}:{usual}.")
    array = node.get(str(scale["datasets"][0]["path"]))
    if not isinstance(array, zarr.Array):
        raise FileError(f"{location} is damaged: its metadata names the array {scale['datasets'][0]['path']!r}, which is not there.")
    yield Stored(header_of(array, ome_frame(attributes, scale, 0)), array)


def _node(location: RemoteLocation, path: str) -> Any:
    """The group or array at a path of the store. Raises FileError where there is none, or what is needed to ask is missing."""
    import zarr
    from zarr.storage import FsspecStore

    try:
        store = FsspecStore.from_url(location.url, read_only=True)
    except ImportError as error:
        raise FileError(f"{location.url} needs packages that are not installed ({error}); install cellml[remote].") from error
    try:
        return zarr.open(store, path=path, mode="r")
    except FileNotFoundError as error:
        raise FileError(f"There is no Zarr store, or no {path or 'group or array'} in it, at {location.url}.") from error
    except Exception as error:  # every kind of server has its own exceptions
        raise FileError(f"{location.url} cannot be reached or read ({type(error).__name__}: {str(error)[:200]}).") from error


def _group_above(location: RemoteLocation, path: str) -> Any | None:
    import zarr

    try:
        node = _node(location, path)
    except FileError:
        return None
    return node if isinstance(node, zarr.Group) else None


def _level(scale: dict[str, Any] | None, name: str) -> int | None:
    paths = [] if scale is None else [str(one["path"]) for one in scale["datasets"]]
    return paths.index(name) if name in paths else None
