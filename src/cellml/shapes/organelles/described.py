"""A kind of organelle as a configuration describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from cellml.errors import CellmlError
from cellml.shapes.organelles.distribution import Distribution, load_distribution
from cellml.shapes.organelles.host import Host, host_of_labels
from cellml.shapes.organelles.learn import Example, learn
from cellml.shapes.organelles.outlines import FACETS
from cellml.shapes.organelles.sources import ModelledShapes, SizeModel
from cellml.types import Labels

_KEYS = ("examples", "hosts", "cell", "nucleus", "count", "per_um3", "diameter_nm", "facets", "shapes", "condition", "spacing_nm")


def described(
    name: str, entry: dict[str, Any], placement: Mapping[str, Any] | None, seed: int, tell: Callable[[str], None]
) -> Distribution:
    """The learned distribution of one kind, from a file that keeps one or from examples.

    entry: {examples: a distribution that `cellml fill` wrote (.npz with a header) or labels of instances, in voxels of spacing_nm [z, y, x]
    where the file does not say; hosts: labels of what they lie in, with cell and nucleus: numbers in it; facets: of each surface; and in
    place of what is learned: diameter_nm: [median, spread of ln]; per_um3: how many; shapes: the checkpoint of a shape model, and
    condition: what it is asked for}. placement: what is fitted where there are hosts, as `_target_`. Raises CellmlError for unknown keys,
    missing examples, and as `learn` does.
    """
    from cellml.shapes.organelles.count import CountModel

    unknown = sorted(set(entry) - set(_KEYS))
    if unknown or not name.isidentifier():
        raise CellmlError(
            f"organelles.{name} " + (f"has the unknown key {unknown[0]!r}; it has {', '.join(_KEYS)}." if unknown else "is no word.")
        )
    if not entry.get("examples"):
        raise CellmlError(f"organelles.{name} needs examples: labels of such organelles, or a distribution that `cellml fill` wrote.")
    tell(f"learning {name}")
    path = str(entry["examples"])
    kind = load_distribution(path) if _is_distribution(path) else _learned(name, entry, placement, seed)
    kind = replace(kind, name=name)
    if entry.get("diameter_nm") is not None:
        values = entry["diameter_nm"]
        median, spread = values if isinstance(values, list | tuple) else (values, 0.0)
        kind = replace(kind, size=SizeModel.of_diameter(float(median), float(spread)))
    if entry.get("per_um3") is not None:
        kind = replace(kind, count=CountModel(float(entry["per_um3"])))
    if entry.get("shapes"):
        kind = replace(kind, shapes=_modelled(str(entry["shapes"]), str(entry.get("condition") or "")))
    return kind


def _modelled(checkpoint: str, condition: str) -> ModelledShapes:
    from cellml.shapes.generation.opened import open_model

    return ModelledShapes(open_model(checkpoint), condition)


def _is_distribution(path: str) -> bool:
    if not path.endswith(".npz") or not Path(path).is_file():
        return False
    try:
        with ZipFile(path) as archive:
            return "header.npy" in archive.namelist()
    except (BadZipFile, OSError):  # the reader of labels says what is wrong with it
        return False


def _learned(name: str, entry: Mapping[str, Any], placement: Mapping[str, Any] | None, seed: int) -> Distribution:
    from hydra.utils import instantiate

    from cellml.data.references import resolve
    from cellml.io import read_labels

    organelles = read_labels(resolve(str(entry["examples"]), "labels")[0], spacing_nm=entry.get("spacing_nm"))
    examples = [Example(organelles)]
    if entry.get("hosts"):
        hosts = read_labels(resolve(str(entry["hosts"]), "labels")[0], spacing_nm=entry.get("spacing_nm"))
        examples = [Example(organelles, _example_host(hosts, organelles, entry))]
    fit = instantiate(dict(placement), _convert_="all") if placement else None
    fit = partial(fit) if fit is not None else None
    return learn(name, examples, fit=fit, facets=int(entry.get("facets") or FACETS), seed=seed)


def _example_host(hosts: Labels, organelles: Labels, entry: Mapping[str, Any]) -> Host:
    """The host of examples: its label in `hosts`, of which organelles may have taken the voxels."""
    cell = entry.get("cell")
    if hosts.shape != organelles.shape:
        raise CellmlError(f"hosts has shape {hosts.shape} and examples {organelles.shape}; they must be on one grid.")
    data = hosts.data.copy()
    data[(organelles.data > 0) & (data == 0)] = 1 if cell is None else cell
    return host_of_labels(replace(hosts, data=data), cell, entry.get("nucleus"))
