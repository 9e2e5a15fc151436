"""All that is learned of one kind of organelle: number, size, shape and place; and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import ContractError, FileError
from cellml.io.npz import read_arrays
from cellml.shapes.organelles.count import CountModel
from cellml.shapes.organelles.placement import Placement
from cellml.shapes.organelles.sources import ObservedShapes, ShapeSource, SizeModel
from cellml.trusted import require_trusted
from cellml.types import Surface

_SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Distribution:
    """One kind of organelle. name: a word; shapes, size, count, placement: what it is drawn from; notes: what it was learned from, in
    words.
    """

    name: str
    shapes: ShapeSource
    size: SizeModel
    count: CountModel
    placement: Placement
    notes: tuple[str, ...] = ()


def save_distribution(distribution: Distribution, path: str | Path) -> None:
    """Keep a distribution of observed shapes in an .npz of plain arrays; opening it runs no code. Raises FileError for other shapes, which
    live in the checkpoint of their model.
    """
    from cellml.io import atomic_path

    if not isinstance(distribution.shapes, ObservedShapes):
        raise FileError(f"The shapes of {distribution.name!r} come from a model; keep its checkpoint, not a copy of what it drew.")
    arrays: dict[str, Any] = {}
    surfaces = distribution.shapes.surfaces
    arrays["vertices"] = np.concatenate([s.vertices for s in surfaces])
    arrays["faces"] = np.concatenate([s.faces for s in surfaces])
    arrays["vertex_counts"], arrays["face_counts"] = ([len(getattr(s, part)) for s in surfaces] for part in ("vertices", "faces"))
    kind = type(distribution.placement)
    placement: dict[str, Any] = {"_target_": f"{kind.__module__}.{kind.__qualname__}"}
    for name, value in vars(distribution.placement).items():
        if isinstance(value, np.ndarray):
            arrays[f"placement/{name}"] = value
        elif isinstance(value, dict):
            arrays |= {f"placement/{name}/{key}": array for key, array in value.items()}
        elif not name.startswith("_"):
            placement[name] = value
    size, count = distribution.size, distribution.count
    header = {
        "schema": _SCHEMA,
        "name": distribution.name,
        "size": [size.mean, size.spread],
        "count": [count.density, count.dispersion],
        "placement": placement,
        "notes": list(distribution.notes),
    }
    with atomic_path(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)


def load_distribution(path: str | Path) -> Distribution:
    """Read what `save_distribution` wrote. Raises FileError for a file that is no such thing, ContractError for a
    placement that is not cellml's, and CellmlError for more than the memory holds.
    """
    try:
        arrays = read_arrays(path)
        header = json.loads(str(arrays["header"]))
        surfaces = _surfaces(arrays, header["name"])
        return Distribution(
            header["name"],
            ObservedShapes(tuple(surfaces)),
            SizeModel(*header["size"]),
            CountModel(*header["count"]),
            _placement(header["placement"], arrays, path),
            tuple(header["notes"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        if isinstance(error, FileError | ContractError):
            raise
        raise FileError(
            f"{path} holds no distribution of organelles as `cellml fill` writes it ({type(error).__name__}: {error})."
        ) from error


def _surfaces(arrays: dict[str, Any], name: str) -> Sequence[Surface]:
    vertices = np.split(arrays["vertices"], np.cumsum(arrays["vertex_counts"])[:-1])
    faces = np.split(arrays["faces"], np.cumsum(arrays["face_counts"])[:-1])
    return [Surface(v, f, f"{name}_shape_{k}") for k, (v, f) in enumerate(zip(vertices, faces, strict=True))]


def _placement(header: dict[str, Any], arrays: dict[str, Any], path: str | Path) -> Placement:
    target = str(header.pop("_target_"))
    require_trusted(target, ("cellml.shapes.organelles.",), path, remedy="placements of your own are kept by your own code.")
    module, _, name = target.rpartition(".")
    values: dict[str, Any] = dict(header)
    for key, array in arrays.items():
        root, _, rest = key.partition("/")
        if root == "placement":
            field, _, inner = rest.partition("/")
            if inner:
                values.setdefault(field, {})[inner] = array
            else:
                values[field] = array
    return getattr(import_module(module), name)(**values)  # type: ignore[no-any-return]
