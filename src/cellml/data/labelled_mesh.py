"""Labelled surfaces in the form that mesh networks learn from: so many faces, so many points, unit size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.data.procedural_cells import random_frame
from cellml.errors import CellmlError
from cellml.types import Surface


@dataclass(frozen=True, eq=False)
class LabelledMesh:
    """surface; label: class number; group: what it must not be split from, such as its image stack; name; parts: which part each place of
    the surface belongs to, (P, 3) in the surface's coordinates → (P,) numbers from 0, where that is known.
    """

    surface: Surface
    label: int
    group: str
    name: str
    parts: Callable[[NDArray[np.float64]], NDArray[np.int64]] | None = None


def prepared(mesh: LabelledMesh, faces: int) -> LabelledMesh:
    """Repaired where it is not closed and manifold, with about `faces` faces, its mean vertex at the origin and its farthest at 1.

    Raises CellmlError for a surface that cannot be repaired, or that has no closed simplification.
    """
    from cellml.meshing.topology import surface_topology
    from cellml.report.decimate import decimate
    from cellml.surfaces import repair

    surface = mesh.surface
    if not _is_sound(surface):
        surface = repair(surface)[0]
    fewer = decimate(surface, faces)
    if not _is_sound(fewer):
        fewer = decimate(repair(fewer)[0], faces)
    if not _is_sound(fewer):
        found = surface_topology(fewer.faces)
        raise CellmlError(
            f"{mesh.name} has no closed manifold simplification of {faces} faces (closed: {found.closed}, manifold: {found.manifold}); "
            "take more faces."
        )
    middle = fewer.vertices.mean(axis=0)
    size = float(np.linalg.norm(fewer.vertices - middle, axis=1).max())
    parts = mesh.parts
    moved = None if parts is None else lambda points: parts(points * size + middle)
    return replace(mesh, surface=Surface((fewer.vertices - middle) / size, fewer.faces, fewer.name), parts=moved)


def _is_sound(surface: Surface) -> bool:
    from cellml.meshing.topology import surface_topology

    found = surface_topology(surface.faces)
    return found.closed and found.manifold and found.oriented


def mesh_sample(mesh: LabelledMesh, rng: np.random.Generator, points: int, *, turn: bool) -> dict[str, Tensor]:
    """A mesh as tensors.

    "cloud": (P, 6) places and normals of points uniform in area, "vertices": (V, 3), "faces": (F, 3), "labels": (), and where parts are
    known "point_labels": (P,), "edge_labels": (E,) of the edges' middles in the order of `Topology.edges`. turn: in a random orientation,
    each axis stretched by up to a tenth.
    """
    frame = random_frame(rng) * rng.uniform(0.9, 1.1, 3) if turn else np.eye(3)
    vertices = mesh.surface.vertices @ frame.T
    surface = Surface(vertices, mesh.surface.faces)
    corners = surface.vertices[surface.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    drawn = rng.choice(len(areas), points, p=areas / areas.sum())
    root, v = np.sqrt(rng.random(points)), rng.random(points)
    weights = np.stack([1 - root, root * (1 - v), root * v], axis=1)
    places = np.einsum("pc,pcd->pd", weights, corners[drawn])
    sample = {
        "cloud": torch.from_numpy(np.concatenate([places, normals[drawn] / areas[drawn, None]], axis=1)).float(),
        "vertices": torch.from_numpy(vertices).float(),
        "faces": torch.from_numpy(surface.faces),
        "labels": torch.tensor(mesh.label),
    }
    if mesh.parts is not None:
        edges = np.unique(np.sort(surface.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
        middles = mesh.surface.vertices[edges].mean(axis=1)
        sample["point_labels"] = torch.from_numpy(mesh.parts(places @ np.linalg.inv(frame).T))
        sample["edge_labels"] = torch.from_numpy(mesh.parts(middles))
    return sample


def collate_meshes(samples: list[dict[str, Tensor]]) -> dict[str, Any]:
    """Stack samples, zeros behind the vertices of smaller ones and −1 behind faces; edge labels one mesh after the other, (ΣE,)."""
    vertices, faces = (max(len(sample[name]) for sample in samples) for name in ("vertices", "faces"))
    alike = [name for name in ("cloud", "labels", "point_labels") if name in samples[0]]
    batch: dict[str, Any] = {name: torch.stack([sample[name] for sample in samples]) for name in alike}
    if "edge_labels" in samples[0]:
        batch["edge_labels"] = torch.cat([sample["edge_labels"] for sample in samples])
    pad = torch.nn.functional.pad
    batch["vertices"] = torch.stack([pad(s["vertices"], (0, 0, 0, vertices - len(s["vertices"]))) for s in samples])
    batch["faces"] = torch.stack([pad(s["faces"], (0, 0, 0, faces - len(s["faces"])), value=-1) for s in samples])
    return batch


def folds_by_group(groups: list[str], folds: int) -> NDArray[np.int64]:
    """A fold 0 … folds − 1 for each item such that no group is in two: the largest group goes to the emptiest fold, and so on.

    Raises CellmlError for fewer groups than folds.
    """
    names, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if not 2 <= folds <= len(names):
        raise CellmlError(f"{len(names)} groups cannot be split into {folds} folds; take 2 to {len(names)}.")
    chosen, filled = np.zeros(len(names), np.int64), np.zeros(folds, np.int64)
    for group in np.argsort(-sizes, kind="stable"):
        chosen[group] = filled.argmin()
        filled[chosen[group]] += sizes[group]
    return chosen[inverse]
